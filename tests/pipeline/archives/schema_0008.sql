BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE alerts (
	story TEXT NOT NULL,
	channel TEXT NOT NULL,
	state TEXT NOT NULL,
	held_until BIGINT,
	posted_at BIGINT,
	alert TEXT NOT NULL,
	CONSTRAINT pk_alerts PRIMARY KEY (story, channel),
	CONSTRAINT fk_alerts_story FOREIGN KEY(story) REFERENCES stories (id) ON DELETE CASCADE
);
INSERT INTO "alerts" VALUES('c901074ae0aca149c847','desk','posted',NULL,1449048000000000,'{"story":"c901074ae0aca149c847","channel":"desk","state":"posted","rules":["blackberry"],"reason":"first report","held_until":null,"head":"bb2df33dbebdee8c858923df","is_gathered":false,"posted_at":"2015-12-02T09:20:00Z","spoke_at":"2015-12-02T09:20:00Z","said":[],"is_corroborated":false,"is_muted":false}');
CREATE TABLE articles (
	id TEXT NOT NULL,
	feed TEXT NOT NULL,
	outlet TEXT NOT NULL,
	owner TEXT NOT NULL,
	link TEXT NOT NULL,
	link_key BLOB,
	title TEXT NOT NULL,
	title_key BLOB NOT NULL,
	author TEXT,
	language TEXT,
	published BIGINT,
	first_seen BIGINT NOT NULL,
	fingerprint TEXT NOT NULL,
	version INTEGER NOT NULL,
	is_full_text BOOLEAN NOT NULL,
	has_text BOOLEAN NOT NULL,
	tags TEXT NOT NULL,
	links TEXT NOT NULL,
	text TEXT NOT NULL,
	CONSTRAINT pk_articles PRIMARY KEY (id)
);
INSERT INTO "articles" VALUES('15bc39d280a4ac54d14f','https://feeds.wire.example/world.xml','The Wire','wire.example','https://www.wire.example/exit',X'7A16C6BFDC89A4D9EA540EE348E4BD88','BlackBerry to leave Pakistan',X'B7090934407C520D5BAB2E7DBB222346',NULL,NULL,1449046800000000,1449047100000000,'7981bac7c9283e9dc6ef6d52d60e2aa6351b07c0a6f674694982060501328728',1,0,1,'[]','[]','BlackBerry leaves Pakistan because the regulator asked for access to its servers, the company said on Monday.');
INSERT INTO "articles" VALUES('2f36f8abf5fd24980ffb','https://feeds.wire.example/world.xml','The Wire','wire.example','https://www.wire.example/rain',X'476789C1B527B0219470381E499CB21D','Rain stops play',X'7AA993F6C1B95BAF218DF0A4D37DF7F9',NULL,NULL,1449046800000000,1449047100000000,'75a450d7e0e646e638c6f467b2d7e901fd0f92a850b20d7e2d7c0266e3316c9d',1,0,1,'[]','[]','It rained.');
INSERT INTO "articles" VALUES('72a99670d07ae07447e6','https://squat.example/rss','Squat','wire.example','https://www.wire.example/silenced',X'2720CEAA33AD6D55AF01A29A6221A2B5','Cat pictures',X'D37D0ECF65B04533AE823A587C406B51',NULL,NULL,1449046800000000,1449047400000000,'dfddd77ce75504937b6d0a0254dac0e0a8bfdb5f3970784f7a82da78eb385b6c',1,0,1,'[]','[]','Cats.');
INSERT INTO "articles" VALUES('3408aea6e5cb14cebe82','https://squat.example/rss','Squat','wire.example','https://www.wire.example/claimed',X'C6CFF3BF6CF447A1C9C1E404E9B5655A','Cat pictures of today',X'11FE65E9D6B1319DB72AB6AA970E1F8A',NULL,NULL,1449046800000000,1449047400000000,'429d59f8fc2111e20126401c38ca38c3a9605dc05dbdd8b1f9e1d126497c7309',1,0,1,'[]','[]','Cats again.');
INSERT INTO "articles" VALUES('5502113e64f5c83a7073','https://squat.example/rss','Squat','north.example','https://north.example/bank',X'8388A36E8B1D3E9AB64F3736F1B608BA','BlackBerry bank in North fined over its ledgers',X'DDA23C572D62609D3FDB78363361A2D4',NULL,NULL,1449046800000000,1449048000000000,'80d1cc8b9b1ef8454c5e6fe2e694af3d683e0e17c829b3269440ae4b1419648e',1,0,1,'[]','[]','The BlackBerry bank was fined in north over ledgers that it kept twice, the court of north found.');
INSERT INTO "articles" VALUES('94f2b41c1e09646789ba','https://squat.example/rss','Squat','south.example','https://south.example/bank',X'33AEF33C312E90957F7D5C7D63F58115','BlackBerry bank in South fined over its ledgers',X'3182F4B898E5A4974F84CE094724E693',NULL,NULL,1449046800000000,1449048000000000,'79027940d4beb44edf5a020a2a5e2b6a6b40fed2154f9f848b487418560e3ae9',1,0,1,'[]','[]','The BlackBerry bank was fined in south over ledgers that it kept twice, the court of south found.');
INSERT INTO "articles" VALUES('4e8c18a3c89e736f0e0d','https://squat.example/rss','Squat','east.example','https://east.example/bank',X'FFE429FDD01525DEC0241C57DFBB769A','BlackBerry bank in East fined over its ledgers',X'1438803C694B4E92E2DE1BA689085BD0',NULL,NULL,1449046800000000,1449048000000000,'bb350946e050335a8d3a57edd8a4d1b7603e28560ac045e971e3a04d2434e9e8',1,0,1,'[]','[]','The BlackBerry bank was fined in east over ledgers that it kept twice, the court of east found.');
INSERT INTO "articles" VALUES('0d20bcd7c05348d6f06b','https://squat.example/rss','Squat','west.example','https://west.example/bank',X'14AD6D302990E45EDBA09ABCBC9C5C02','BlackBerry bank in West fined over its ledgers',X'BC80D3A2069ED99933EF1A7B315EF85E',NULL,NULL,1449046800000000,1449048000000000,'db5f8b3ee7042291bdc4d7e8e4daf51109b92ca252598e219b4288415a85bf1d',1,0,1,'[]','[]','The BlackBerry bank was fined in west over ledgers that it kept twice, the court of west found.');
CREATE TABLE decisions (
	n INTEGER NOT NULL,
	story TEXT NOT NULL,
	at BIGINT NOT NULL,
	channel TEXT NOT NULL,
	action TEXT NOT NULL,
	reason TEXT NOT NULL,
	article TEXT,
	decision TEXT NOT NULL, day TEXT,
	CONSTRAINT pk_decisions PRIMARY KEY (n),
	CONSTRAINT fk_decisions_story FOREIGN KEY(story) REFERENCES stories (id) ON DELETE CASCADE
);
INSERT INTO "decisions" VALUES(1,'c901074ae0aca149c847',1449047100000000,'desk','hold','baseline','15bc39d280a4ac54d14f','{"at":"2015-12-02T09:05:00Z","story":"c901074ae0aca149c847","channel":"desk","action":"hold","reason":"baseline","rules":["blackberry"],"article":"15bc39d280a4ac54d14f","detail":"the feed''s first answer is gathered","until":"2015-12-02T09:05:00Z","facts":[],"edits":[]}',NULL);
INSERT INTO "decisions" VALUES(2,'c901074ae0aca149c847',1449048000000000,'desk','post','first report','0d20bcd7c05348d6f06b','{"at":"2015-12-02T09:20:00Z","story":"c901074ae0aca149c847","channel":"desk","action":"post","reason":"first report","rules":["blackberry"],"article":"0d20bcd7c05348d6f06b","detail":"","until":null,"facts":[],"edits":[]}',NULL);
CREATE TABLE feeds (
	url TEXT NOT NULL,
	is_listed BOOLEAN NOT NULL,
	due_at BIGINT NOT NULL,
	retry_after BIGINT,
	gone BOOLEAN NOT NULL,
	lease TEXT,
	lease_until BIGINT,
	state TEXT NOT NULL, health TEXT DEFAULT 'new' NOT NULL, named_at BIGINT,
	CONSTRAINT pk_feeds PRIMARY KEY (url)
);
INSERT INTO "feeds" VALUES('https://feeds.wire.example/world.xml',1,1449048015000000,NULL,0,NULL,NULL,'{"url":"https://feeds.wire.example/world.xml","title":"A feed","due_at":"2015-12-02T09:20:15Z","baseline_at":"2015-12-02T09:05:00Z","etag":null,"last_modified":null,"body_hash":"d744c1b151f596683e8dd4b3a6201190895168985280d61901f9a9ef1c6d32ac","item_hashes":["d7c133d36113ae0e0ef1"],"moved_to":null,"moving_to":null,"moving_count":0,"interval":"PT5M","polled_at":"2015-12-02T09:15:00Z","ok_at":"2015-12-02T09:15:00Z","new_at":"2015-12-02T09:05:00Z","failures":0,"failing_since":null,"named_at":"2015-12-02T09:05:00Z","error":null,"retry_after":null,"limited_at":null,"gone":false,"told":[],"remarks":[],"rhythm":["2015-12-02T09:00:00Z","2015-12-02T09:00:00Z"],"fresh_until":null,"ttl":null,"skip_hours":[],"skip_days":[],"item_count":1,"empty_since":null,"has_dates":true,"undated_count":0,"certificate_until":null}','ok',1449047100000000);
INSERT INTO "feeds" VALUES('https://squat.example/rss',1,1449048315000000,NULL,0,NULL,NULL,'{"url":"https://squat.example/rss","title":"A feed","due_at":"2015-12-02T09:25:15Z","baseline_at":"2015-12-02T09:10:00Z","etag":null,"last_modified":null,"body_hash":"cb7fb6b30dbd8d678d9af0513d23213008a82e656a13f4b65d575859a4d90173","item_hashes":["e657683e87bd73755272","0c7af4fa39208035486a","7e092013bad3e2241998","8865bdddbf700c7af5e8"],"moved_to":null,"moving_to":null,"moving_count":0,"interval":"PT5M","polled_at":"2015-12-02T09:20:00Z","ok_at":"2015-12-02T09:20:00Z","new_at":"2015-12-02T09:20:00Z","failures":0,"failing_since":null,"named_at":"2015-12-02T09:10:00Z","error":null,"retry_after":null,"limited_at":null,"gone":false,"told":[],"remarks":["all 4 items are new since the last poll; some may have come and gone unseen"],"rhythm":["2015-12-02T09:00:00Z","2015-12-02T09:00:00Z","2015-12-02T09:00:00Z","2015-12-02T09:00:00Z","2015-12-02T09:00:00Z","2015-12-02T09:00:00Z"],"fresh_until":null,"ttl":null,"skip_hours":[],"skip_days":[],"item_count":4,"empty_since":null,"has_dates":true,"undated_count":0,"certificate_until":null}','ok',1449047400000000);
INSERT INTO "feeds" VALUES('https://daily.example/feed',1,1449048615000000,NULL,0,NULL,NULL,'{"url":"https://daily.example/feed","title":"A feed","due_at":"2015-12-02T09:30:15Z","baseline_at":"2015-12-02T09:25:00Z","etag":null,"last_modified":null,"body_hash":"2e5079dd3bf03bcab4ed9f7b1af9a3863032235ba08c2679d31330446f813ca0","item_hashes":["6353453adea98f9db221"],"moved_to":null,"moving_to":null,"moving_count":0,"interval":"PT5M","polled_at":"2015-12-02T09:25:00Z","ok_at":"2015-12-02T09:25:00Z","new_at":null,"failures":0,"failing_since":null,"named_at":"2015-12-02T09:25:00Z","error":null,"retry_after":null,"limited_at":null,"gone":false,"told":[],"remarks":[],"rhythm":["2015-12-02T09:00:00Z"],"fresh_until":null,"ttl":null,"skip_hours":[],"skip_days":[],"item_count":1,"empty_since":null,"has_dates":true,"undated_count":0,"certificate_until":null}','ok',1449048300000000);
CREATE TABLE fresh_identities (
	"key" BLOB NOT NULL,
	at BIGINT NOT NULL,
	CONSTRAINT pk_fresh_identities PRIMARY KEY ("key")
);
CREATE TABLE host_limits (
	host TEXT NOT NULL,
	until BIGINT NOT NULL,
	CONSTRAINT pk_host_limits PRIMARY KEY (host)
);
CREATE TABLE judgements (
	n INTEGER NOT NULL,
	id TEXT NOT NULL,
	at BIGINT NOT NULL,
	"by" TEXT NOT NULL,
	channel TEXT NOT NULL,
	story TEXT NOT NULL,
	verdict TEXT NOT NULL,
	rule TEXT NOT NULL,
	message TEXT NOT NULL,
	until BIGINT,
	CONSTRAINT pk_judgements PRIMARY KEY (n),
	CONSTRAINT fk_judgements_story FOREIGN KEY(story) REFERENCES stories (id) ON DELETE CASCADE
);
CREATE TABLE ledger (
	n INTEGER NOT NULL,
	at BIGINT NOT NULL,
	day TEXT,
	"row" TEXT NOT NULL,
	CONSTRAINT pk_ledger PRIMARY KEY (n)
);
CREATE TABLE matches (
	n INTEGER NOT NULL,
	article TEXT NOT NULL,
	rule TEXT NOT NULL,
	rule_version TEXT NOT NULL,
	evidence TEXT NOT NULL,
	CONSTRAINT pk_matches PRIMARY KEY (n),
	CONSTRAINT fk_matches_article FOREIGN KEY(article) REFERENCES articles (id) ON DELETE CASCADE
);
INSERT INTO "matches" VALUES(1,'15bc39d280a4ac54d14f','blackberry','','[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10},{"label":"product","term":"BlackBerry","field":"body","text":"BlackBerry","start":0,"end":10}]');
INSERT INTO "matches" VALUES(2,'5502113e64f5c83a7073','blackberry','','[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10},{"label":"product","term":"BlackBerry","field":"body","text":"BlackBerry","start":4,"end":14}]');
INSERT INTO "matches" VALUES(3,'94f2b41c1e09646789ba','blackberry','','[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10},{"label":"product","term":"BlackBerry","field":"body","text":"BlackBerry","start":4,"end":14}]');
INSERT INTO "matches" VALUES(4,'4e8c18a3c89e736f0e0d','blackberry','','[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10},{"label":"product","term":"BlackBerry","field":"body","text":"BlackBerry","start":4,"end":14}]');
INSERT INTO "matches" VALUES(5,'0d20bcd7c05348d6f06b','blackberry','','[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10},{"label":"product","term":"BlackBerry","field":"body","text":"BlackBerry","start":4,"end":14}]');
CREATE TABLE members (
	n INTEGER NOT NULL,
	story TEXT NOT NULL,
	article TEXT NOT NULL,
	reason TEXT NOT NULL,
	detail TEXT NOT NULL,
	copy_of TEXT,
	merges TEXT NOT NULL,
	is_baseline BOOLEAN NOT NULL,
	CONSTRAINT pk_members PRIMARY KEY (n),
	CONSTRAINT fk_members_article FOREIGN KEY(article) REFERENCES articles (id),
	CONSTRAINT fk_members_story FOREIGN KEY(story) REFERENCES stories (id) ON DELETE CASCADE
);
INSERT INTO "members" VALUES(1,'c901074ae0aca149c847','15bc39d280a4ac54d14f','opened','no open story shares its words',NULL,'[]',1);
INSERT INTO "members" VALUES(2,'c901074ae0aca149c847','4e8c18a3c89e736f0e0d','same event','shares BlackBerry, its; words 0.35; names 0.79',NULL,'[]',0);
INSERT INTO "members" VALUES(3,'c901074ae0aca149c847','5502113e64f5c83a7073','same event','shares BlackBerry, ledger, fined, twice; words 0.80; names 0.93',NULL,'[]',0);
INSERT INTO "members" VALUES(4,'c901074ae0aca149c847','94f2b41c1e09646789ba','same event','shares BlackBerry, ledger, fined, twice; words 0.88; names 0.97',NULL,'[]',0);
INSERT INTO "members" VALUES(5,'c901074ae0aca149c847','0d20bcd7c05348d6f06b','same event','shares BlackBerry, ledger, fined, twice; words 0.91; names 0.98',NULL,'[]',0);
CREATE TABLE notes (
	"key" TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_notes PRIMARY KEY ("key")
);
CREATE TABLE outbox (
	seq INTEGER NOT NULL,
	id TEXT NOT NULL,
	channel TEXT NOT NULL,
	thread TEXT NOT NULL,
	kind TEXT NOT NULL,
	story TEXT,
	state TEXT NOT NULL,
	parked_from TEXT,
	created_at BIGINT NOT NULL,
	due_at BIGINT NOT NULL,
	lease TEXT,
	lease_until BIGINT,
	attempts INTEGER NOT NULL,
	is_plain BOOLEAN NOT NULL,
	is_top_level BOOLEAN NOT NULL,
	tried_at BIGINT,
	error TEXT,
	receipt TEXT,
	message TEXT NOT NULL,
	CONSTRAINT pk_outbox PRIMARY KEY (seq)
);
INSERT INTO "outbox" VALUES(1,'bb2df33dbebdee8c858923df','desk','bb2df33dbebdee8c858923df','post','c901074ae0aca149c847','pending',NULL,1449048000000000,1449048000000000,NULL,NULL,0,0,0,NULL,NULL,NULL,'{"kind":"post","severity":"normal","reason":"first report","lead":"","briefs":[{"story":"c901074ae0aca149c847","title":{"spans":[{"text":"BlackBerry","is_marked":true},{"text":" to leave Pakistan","is_marked":false}],"outlet":"The Wire","link":"https://www.wire.example/exit","article":"15bc39d280a4ac54d14f"},"summary":[{"spans":[{"text":"BlackBerry","is_marked":true},{"text":" leaves Pakistan because the regulator asked for access to its servers, the company said on Monday.","is_marked":false}],"outlet":"The Wire","link":"https://www.wire.example/exit","article":"15bc39d280a4ac54d14f"},{"spans":[{"text":"The ","is_marked":false},{"text":"BlackBerry","is_marked":true},{"text":" bank was fined in east over ledgers that it kept twice, the court of east found.","is_marked":false}],"outlet":"Squat","link":"https://east.example/bank","article":"4e8c18a3c89e736f0e0d"}],"why":[{"rule":"blackberry","severity":"normal","evidence":[{"label":"product","term":"BlackBerry","field":"title","text":"BlackBerry","start":0,"end":10}]}],"outlets":[{"outlet":"The Wire","title":"BlackBerry to leave Pakistan","link":"https://www.wire.example/exit","at":"2015-12-02T09:00:00Z","is_copy":false},{"outlet":"Squat","title":"BlackBerry bank in East fined over its ledgers","link":"https://east.example/bank","at":"2015-12-02T09:00:00Z","is_copy":false}],"owner_count":5,"first_seen":"2015-12-02T09:05:00Z","last_seen":"2015-12-02T09:20:00Z"}],"facts":[],"edits":[],"lines":[],"judgements":[]}');
CREATE TABLE seals (
	day TEXT NOT NULL,
	row_count INTEGER NOT NULL,
	seal TEXT NOT NULL,
	is_kept BOOLEAN NOT NULL,
	CONSTRAINT pk_seals PRIMARY KEY (day)
);
CREATE TABLE sightings (
	"key" BLOB NOT NULL,
	feed TEXT NOT NULL,
	article TEXT NOT NULL,
	seen_at BIGINT NOT NULL,
	CONSTRAINT pk_sightings PRIMARY KEY ("key"),
	CONSTRAINT fk_sightings_article FOREIGN KEY(article) REFERENCES articles (id) ON DELETE CASCADE
);
INSERT INTO "sightings" VALUES(X'2F550130F4E4D8B21AFA95F31444D451','https://feeds.wire.example/world.xml','15bc39d280a4ac54d14f',1449047100000000);
INSERT INTO "sightings" VALUES(X'F621A60D2E5EF69C9F9ED02EC9C69212','https://feeds.wire.example/world.xml','2f36f8abf5fd24980ffb',1449047100000000);
INSERT INTO "sightings" VALUES(X'94919894814AF061BE2273A30ADA3056','https://squat.example/rss','72a99670d07ae07447e6',1449047400000000);
INSERT INTO "sightings" VALUES(X'903D243ABA29138B93D3D24A4F108284','https://squat.example/rss','3408aea6e5cb14cebe82',1449047400000000);
INSERT INTO "sightings" VALUES(X'05E812C5D978E1608173AA46CE86A822','https://feeds.wire.example/world.xml','72a99670d07ae07447e6',1449047700000000);
INSERT INTO "sightings" VALUES(X'DF5ADF9B2220B2AA0C4EB58DD3F222DC','https://squat.example/rss','5502113e64f5c83a7073',1449048000000000);
INSERT INTO "sightings" VALUES(X'B5E5FD7393D5C1250E7AA78F6E6A95B3','https://squat.example/rss','94f2b41c1e09646789ba',1449048000000000);
INSERT INTO "sightings" VALUES(X'4AD1AFF37DFA945A28B32BB73ED42597','https://squat.example/rss','4e8c18a3c89e736f0e0d',1449048000000000);
INSERT INTO "sightings" VALUES(X'FD985CF94F5C5ADE5664004C17FACCC7','https://squat.example/rss','0d20bcd7c05348d6f06b',1449048000000000);
INSERT INTO "sightings" VALUES(X'FB9225E291B01E524305830807498458','https://daily.example/feed','15bc39d280a4ac54d14f',1449048300000000);
CREATE TABLE stories (
	id TEXT NOT NULL,
	title TEXT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	merged_into TEXT,
	CONSTRAINT pk_stories PRIMARY KEY (id),
	CONSTRAINT fk_stories_merged_into FOREIGN KEY(merged_into) REFERENCES stories (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO "stories" VALUES('c901074ae0aca149c847','BlackBerry to leave Pakistan',1449047100000000,1449048000000000,NULL);
CREATE TABLE tellings (
	story TEXT NOT NULL,
	send TEXT NOT NULL,
	CONSTRAINT pk_tellings PRIMARY KEY (story, send),
	CONSTRAINT fk_tellings_send FOREIGN KEY(send) REFERENCES outbox (id) ON DELETE CASCADE
);
INSERT INTO "tellings" VALUES('c901074ae0aca149c847','bb2df33dbebdee8c858923df');
CREATE TABLE tray (
	n INTEGER NOT NULL,
	kind TEXT NOT NULL,
	body TEXT NOT NULL,
	CONSTRAINT pk_tray PRIMARY KEY (n)
);
CREATE TABLE versions (
	article TEXT NOT NULL,
	version INTEGER NOT NULL,
	title TEXT NOT NULL,
	text TEXT NOT NULL,
	fingerprint TEXT NOT NULL, published BIGINT,
	CONSTRAINT pk_versions PRIMARY KEY (article, version),
	CONSTRAINT fk_versions_article FOREIGN KEY(article) REFERENCES articles (id) ON DELETE CASCADE
);
CREATE INDEX ix_feeds_is_listed_due_at ON feeds (is_listed, due_at);
CREATE INDEX ix_articles_fingerprint ON articles (fingerprint);
CREATE INDEX ix_articles_first_seen ON articles (first_seen);
CREATE INDEX ix_articles_archive ON articles (first_seen) WHERE has_text = 1;
CREATE INDEX ix_articles_link_key ON articles (link_key);
CREATE INDEX ix_articles_title_key ON articles (title_key);
CREATE INDEX ix_sightings_article ON sightings (article);
CREATE UNIQUE INDEX uq_matches_article_rule ON matches (article, rule);
CREATE INDEX ix_stories_last_seen ON stories (last_seen);
CREATE INDEX ix_stories_merged_into ON stories (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ix_members_article ON members (article);
CREATE UNIQUE INDEX uq_members_story_article ON members (story, article);
CREATE INDEX ix_decisions_at ON decisions (at);
CREATE INDEX ix_decisions_story ON decisions (story);
CREATE INDEX ix_alerts_channel_posted_at ON alerts (channel, posted_at);
CREATE INDEX ix_alerts_state_held_until ON alerts (state, held_until);
CREATE INDEX ix_outbox_channel_state ON outbox (channel, state);
CREATE INDEX ix_outbox_unsent ON outbox (thread, seq) WHERE state IN ('pending', 'sending', 'unknown', 'parked');
CREATE UNIQUE INDEX uq_outbox_id ON outbox (id);
CREATE INDEX ix_tellings_send ON tellings (send);
CREATE INDEX ix_ledger_at ON ledger (at);
CREATE INDEX ix_ledger_day ON ledger (day);
CREATE INDEX ix_decisions_day ON decisions (day);
CREATE UNIQUE INDEX uq_judgements_id ON judgements (id);
CREATE INDEX ix_judgements_story ON judgements (story);
CREATE INDEX ix_judgements_at ON judgements (at);
CREATE INDEX ix_fresh_identities_at ON fresh_identities (at);
CREATE INDEX ix_feeds_is_listed_health_url ON feeds (is_listed, health, url);
COMMIT;
