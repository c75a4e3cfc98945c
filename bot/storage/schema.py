"""The tables. SQLite and PostgreSQL have the same schema, except for the search index."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from bot.model.actions import RulingKind, SilenceKind, Verdict
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.archive import QueuedArticle
from bot.model.feeds import FeedHealth, FeedState
from bot.model.language_models import Outcome, Use
from bot.model.messages import Message, MessageKind, Receipt, SendState
from bot.model.quarantine import PieceKind
from bot.model.rules import Evidence
from bot.model.stories import Article, JoinReason, Origin
from bot.model.surges import Surge
from bot.storage.columns import EnumText, Flag, HashBytes, JsonColumn, StorableText, StoredFloat, Timestamp, WholeNumber

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: Type of columns with several short texts: tags, links or ids.
TEXTS: JsonColumn[tuple[str, ...]] = JsonColumn(tuple[str, ...])
DECISION: JsonColumn[Decision] = JsonColumn(Decision)

#: Type of automatically incremented columns. SQLite needs the type INTEGER for this.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

judgements = Table(
    "judgements",
    metadata,
    #: Numbers the rows in the order in which they were made.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("verdict", EnumText(Verdict), nullable=False),
    Column("rule", StorableText, nullable=False),
    #: Id of the judged message, whose outbox row may be deleted.
    Column("message", Text, nullable=False),
    Index("uq_judgements_id", "id", unique=True),
    Index(None, "story"),
    Index(None, "at"),
)

rulings = Table(
    "rulings",
    metadata,
    #: Numbers the rows in the order in which they were made.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("kind", EnumText(RulingKind), nullable=False),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("articles", TEXTS, nullable=False),
    Column("other", Text),
    #: NULL if the ruling is not carried out yet.
    Column("done_at", Timestamp),
    #: When the bot gave up a ruling that could not be carried out because of a bug.
    Column("failed_at", Timestamp),
    Index("uq_rulings_id", "id", unique=True),
    Index(None, "story"),
    Index(None, "done_at"),
)

silences = Table(
    "silences",
    metadata,
    #: Numbers the rows in the order in which they were made.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("kind", EnumText(SilenceKind), nullable=False),
    Column("name", StorableText, nullable=False),
    #: Names of the silenced channels, or empty for all channels.
    Column("channels", TEXTS, nullable=False, server_default="[]"),
    Column("reason", StorableText, nullable=False),
    #: NULL if the silence lasts until somebody ends it.
    Column("until", Timestamp),
    #: NULL if nobody has ended the silence.
    Column("ended_at", Timestamp),
    Column("ended_by", StorableText, nullable=False),
    Index("uq_silences_id", "id", unique=True),
)


#: The revision of this schema: the number of the newest migration.
REVISION = "0001"

#: States of outbox rows that may still be sent.
UNSENT = (SendState.PENDING, SendState.SENDING, SendState.UNKNOWN, SendState.PARKED)

feeds = Table(
    "feeds",
    metadata,
    Column("url", StorableText, primary_key=True),
    #: Whether the feed is listed in feeds.yaml.
    Column("is_listed", Flag, nullable=False),
    Column("due_at", Timestamp, nullable=False),
    Column("retry_after", Timestamp),
    Column("gone", Flag, nullable=False),
    Column("lease", Text),
    Column("lease_until", Timestamp),
    #: Copied from ``state``, so that a web page loads only the feeds that it shows.
    Column("health", EnumText(FeedHealth), nullable=False),
    #: Copied from ``state``, so that the query for old sightings can use it.
    Column("named_at", Timestamp),
    #: The whole state. If it differs from a column above, the column takes precedence.
    Column("state", JsonColumn(FeedState), nullable=False),
    Index(None, "is_listed", "due_at"),
    Index(None, "is_listed", "health", "url"),
)

host_limits = Table(
    "host_limits",
    metadata,
    Column("host", StorableText, primary_key=True),
    Column("until", Timestamp, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", StorableText, primary_key=True),
    Column("feed", StorableText, nullable=False),
    Column("outlet", StorableText, nullable=False),
    Column("owner", StorableText, nullable=False),
    Column("link", StorableText, nullable=False),
    #: Digest of the key that all forms of the link share, or NULL if there is no link.
    Column("link_key", HashBytes),
    Column("title", StorableText, nullable=False),
    #: Digest of the folded title.
    Column("title_key", HashBytes, nullable=False),
    Column("author", StorableText),
    Column("language", StorableText),
    Column("published", Timestamp),
    Column("first_seen", Timestamp, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("version", WholeNumber, nullable=False),
    Column("is_full_text", Flag, nullable=False),
    #: False if only the article's identity is kept.
    Column("has_text", Flag, nullable=False),
    Column("tags", TEXTS, nullable=False),
    Column("links", TEXTS, nullable=False),
    Column("left_out", TEXTS, nullable=False),
    Column("picture", StorableText, nullable=False, server_default=""),
    Column("is_official", Flag, nullable=False),
    Column("origins", JsonColumn(tuple[Origin, ...]), nullable=False, server_default="[]"),
    # The text is the last column, because SQLite reads a row from its start and most queries need no text.
    Column("text", StorableText, nullable=False),
    Index(None, "link_key"),
    Index(None, "title_key"),
    Index(None, "fingerprint"),
    Index(None, "first_seen"),
)

sightings = Table(
    "sightings",
    metadata,
    #: Digest of the feed's address and the item's id in the feed.
    Column("key", HashBytes, primary_key=True),
    Column("feed", StorableText, nullable=False),
    Column("article", Text, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    #: Last time at which the feed listed the item, exact to a day because it is updated at most once a day.
    Column("seen_at", Timestamp, nullable=False),
    Index(None, "article"),
)

versions = Table(
    "versions",
    metadata,
    Column("article", Text, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    Column("version", WholeNumber, primary_key=True),
    Column("title", StorableText, nullable=False),
    Column("text", StorableText, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("published", Timestamp),
)

matches = Table(
    "matches",
    metadata,
    #: Numbers the rows in the order in which the rules first matched.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("article", Text, ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    Column("rule", StorableText, nullable=False),
    Column("evidence", JsonColumn(tuple[Evidence, ...]), nullable=False),
    Index("uq_matches_article_rule", "article", "rule", unique=True),
)

vectors = Table(
    "vectors",
    metadata,
    Column("article", Text, ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    #: The numbers of a matched article's vector of meaning, as floats of 4 bytes.
    Column("vector", LargeBinary, nullable=False),
)

stories = Table(
    "stories",
    metadata,
    Column("id", StorableText, primary_key=True),
    Column("title", StorableText, nullable=False),
    Column("first_seen", Timestamp, nullable=False),
    Column("last_seen", Timestamp, nullable=False),
    # The constraint is deferred, because a merged story may be written before the story that it was merged into.
    Column("merged_into", Text, ForeignKey("stories.id", ondelete="SET NULL", deferrable=True, initially="DEFERRED")),
    #: The article whose headline the story shows, or NULL for the story's first article.
    Column("headline", Text),
    #: The rule of a thread, or NULL for the story of one event.
    Column("thread", StorableText),
    Index(None, "last_seen"),
)

members = Table(
    "members",
    metadata,
    #: Numbers the rows in the order in which the articles joined their stories.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("article", Text, ForeignKey("articles.id"), nullable=False),
    Column("reason", EnumText(JoinReason), nullable=False),
    Column("detail", StorableText, nullable=False),
    Column("copy_of", Text),
    #: Ids of the stories that this article merged.
    Column("merges", TEXTS, nullable=False),
    Column("is_baseline", Flag, nullable=False),
    #: NULL for members that joined before this column existed.
    Column("probability", StoredFloat),
    Column("near", Text),
    #: The event of a thread that the article reports, or NULL for the first event.
    Column("event", Text),
    Index("uq_members_story_article", "story", "article", unique=True),
    Index(None, "article"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("action", EnumText(AlertAction), nullable=False),
    Column("reason", EnumText(Reason), nullable=False),
    Column("article", Text),
    Column("decision", DECISION, nullable=False),
    Index(None, "story"),
    Index(None, "at"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", StorableText, primary_key=True),
    Column("state", EnumText(AlertState), nullable=False),
    Column("held_until", Timestamp),
    Column("posted_at", Timestamp),
    Column("alert", JsonColumn(Alert), nullable=False),
    Index(None, "state", "held_until"),
    Index(None, "channel", "posted_at"),
)

outbox = Table(
    "outbox",
    metadata,
    #: Numbers the rows in the order in which they were added.
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("channel", StorableText, nullable=False),
    Column("thread", Text, nullable=False),
    Column("kind", EnumText(MessageKind), nullable=False),
    Column("story", Text),
    Column("state", EnumText(SendState), nullable=False),
    #: State that a parked row gets when its channel works again: pending, or unknown if its outcome is unknown.
    Column("parked_from", EnumText(SendState)),
    Column("created_at", Timestamp, nullable=False),
    Column("due_at", Timestamp, nullable=False),
    Column("lease", Text),
    Column("lease_until", Timestamp),
    Column("attempts", WholeNumber, nullable=False),
    Column("is_plain", Flag, nullable=False),
    Column("is_top_level", Flag, nullable=False),
    Column("tried_at", Timestamp),
    Column("error", StorableText),
    Column("receipt", JsonColumn(Receipt)),
    Column("message", JsonColumn(Message), nullable=False),
    Index("uq_outbox_id", "id", unique=True),
    Index(None, "channel", "state"),
)

#: The stories of each message in the outbox. A listing has several stories.
story_messages = Table(
    "story_messages",
    metadata,
    Column("story", Text, primary_key=True),
    Column("send", Text, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "send"),
)

#: Matched articles that wait for a decision.
decision_queue = Table(
    "decision_queue",
    metadata,
    #: Numbers the rows in the order in which they were added.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("body", JsonColumn(QueuedArticle), nullable=False),
)

#: Links and fingerprints of recently added articles. If two workers add the same article at once, they conflict in this
#: table. The second worker then repeats its transaction and sees the first worker's article.
fresh_identities = Table(
    "fresh_identities",
    metadata,
    Column("key", HashBytes, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Index(None, "at"),
)

key_values = Table(
    "key_values",
    metadata,
    Column("key", StorableText, primary_key=True),
    Column("value", StorableText, nullable=False),
)

#: The number of independent articles of each rule in each hour, for rules that report surges.
volume = Table(
    "volume",
    metadata,
    Column("rule", StorableText, primary_key=True),
    #: If the rule's terms change, its counts begin again.
    Column("version", Text, primary_key=True),
    Column("hour", Timestamp, primary_key=True),
    Column("count", WholeNumber, nullable=False),
    Index(None, "hour"),
)

surges = Table(
    "surges",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", StorableText, nullable=False),
    Column("opened_at", Timestamp, nullable=False),
    #: NULL while the surge lasts.
    Column("closed_at", Timestamp),
    Column("surge", JsonColumn(Surge), nullable=False),
    Index(None, "rule", "opened_at"),
)

#: Reports that outside indexes listed and audited rules matched.
outside_reports = Table(
    "outside_reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", StorableText, primary_key=True),
    Column("event", StorableText, nullable=False),
    Column("reported_at", Timestamp, nullable=False),
    Column("listed_at", Timestamp, nullable=False),
    #: NULL if no feed has carried the event.
    Column("carried_at", Timestamp),
    Column("article", JsonColumn(Article), nullable=False),
    Index(None, "rule", "reported_at"),
    Index(None, "listed_at"),
    Index(None, "rule", "event"),
)

completions = Table(
    "completions",
    metadata,
    #: Numbers the calls in the order in which they ended.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    #: Digest of the prompt.
    Column("key", Text, nullable=False),
    Column("use", EnumText(Use), nullable=False),
    Column("version", WholeNumber, nullable=False),
    Column("article", Text, nullable=False),
    Column("beside", StorableText, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("model", StorableText, nullable=False),
    Column("outcome", EnumText(Outcome), nullable=False),
    #: The answer as JSON, or NULL if the call failed. ``error`` has the reason.
    Column("answer", StorableText),
    #: The right answer about a pair of reports that the words know, or NULL.
    Column("known", Flag),
    Column("error", StorableText, nullable=False),
    Column("tokens_in", WholeNumber, nullable=False),
    Column("tokens_out", WholeNumber, nullable=False),
    Column("took_ms", WholeNumber, nullable=False),
    Index(None, "key"),
    Index(None, "article"),
    Index(None, "at"),
)

#: Work that was set aside because a stage raised an unexpected error on it.
quarantine = Table(
    "quarantine",
    metadata,
    #: Numbers the rows in the order in which they were set aside.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("kind", EnumText(PieceKind), nullable=False),
    Column("id", StorableText, nullable=False),
    Column("stage", Text, nullable=False),
    Column("error", StorableText, nullable=False),
    Column("version", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    #: The data to put the piece back, as JSON, or empty if its own table still has it.
    Column("body", StorableText, nullable=False),
    Column("is_retry_requested", Flag, nullable=False),
    Column("is_reported", Flag, nullable=False),
    Index("uq_quarantine_kind_id", "kind", "id", unique=True),
)

for _table in metadata.tables.values():
    # SQLite must not give the number of a deleted row to a new one, because quarantine names rows by their number.
    _table.dialect_options["sqlite"]["autoincrement"] = _table.autoincrement_column is not None

#: The index of the articles' words. Triggers update it, so that no way of writing an article can miss it.
SQLITE_SEARCH_TABLES = (
    # The number is an explicit column, because VACUUM may change the implicit row numbers of a table.
    "CREATE TABLE search_rows (n INTEGER PRIMARY KEY, article TEXT NOT NULL UNIQUE)",
    # The index needs no copy of the texts: when an article changes, the trigger gets the old text.
    """CREATE VIRTUAL TABLE search_index USING fts5 (title, body, source, content='', columnsize=0,
      tokenize='unicode61 remove_diacritics 2')""",
)
_SQLITE_SEARCH = (
    *SQLITE_SEARCH_TABLES,
    """CREATE TRIGGER search_added AFTER INSERT ON articles WHEN new.has_text BEGIN
      INSERT INTO search_rows (article) VALUES (new.id);
      INSERT INTO search_index (rowid, title, body, source)
        SELECT n, new.title, new.text, new.outlet FROM search_rows WHERE article = new.id;
      END""",
    """CREATE TRIGGER search_changed AFTER UPDATE OF title, text, outlet, has_text ON articles BEGIN
      INSERT INTO search_index (search_index, rowid, title, body, source)
        SELECT 'delete', n, old.title, old.text, old.outlet FROM search_rows WHERE article = old.id;
      DELETE FROM search_rows WHERE article = old.id AND NOT new.has_text;
      INSERT INTO search_rows (article) SELECT new.id
        WHERE new.has_text AND NOT EXISTS (SELECT 1 FROM search_rows WHERE article = new.id);
      INSERT INTO search_index (rowid, title, body, source)
        SELECT n, new.title, new.text, new.outlet FROM search_rows WHERE article = new.id;
      END""",
    """CREATE TRIGGER search_removed BEFORE DELETE ON articles BEGIN
      INSERT INTO search_index (search_index, rowid, title, body, source)
        SELECT 'delete', n, old.title, old.text, old.outlet FROM search_rows WHERE article = old.id;
      DELETE FROM search_rows WHERE article = old.id;
      END""",
)
_POSTGRES_SEARCH = (
    # List the characters between words, because the locale of a database determines which characters are letters.
    # Replace them by spaces, because the parser of tsvector would treat an address or a hyphenated word as one word.
    r"""CREATE FUNCTION search_words(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT regexp_replace(regexp_replace(normalize(lower(left(given, 100000)), NFD), '[\u0300-\u036f]', '', 'g'),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7'
        '\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020'
        '\uff01-\uff0f]+', ' ', 'g') $$""",
    """CREATE FUNCTION search_vector(title text, body text, source text) RETURNS tsvector
      LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT setweight(to_tsvector('simple', search_words(title)), 'A')
        || setweight(to_tsvector('simple', search_words(source)), 'C')
        || setweight(to_tsvector('simple', search_words(body)), 'B') $$""",
    """CREATE TABLE search_rows (n bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
      article text NOT NULL UNIQUE REFERENCES articles (id) ON DELETE CASCADE, words tsvector NOT NULL)""",
    """CREATE FUNCTION search_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NOT new.has_text THEN DELETE FROM search_rows WHERE article = new.id; RETURN NULL; END IF;
      INSERT INTO search_rows (article, words) VALUES (new.id, search_vector(new.title, new.text, new.outlet))
        ON CONFLICT (article) DO UPDATE SET words = excluded.words;
      RETURN NULL; END $$""",
    """CREATE TRIGGER search_added AFTER INSERT ON articles FOR EACH ROW WHEN (new.has_text)
      EXECUTE FUNCTION search_follow()""",
    """CREATE TRIGGER search_changed AFTER UPDATE OF title, text, outlet, has_text ON articles FOR EACH ROW
      EXECUTE FUNCTION search_follow()""",
    "CREATE INDEX ix_search_rows_words ON search_rows USING gin (words)",
)


#: Indexes of few rows of a table. They are statements, because an ``Index`` with ``postgresql_where`` would load the
#: dialect of PostgreSQL at every start.
PARTIAL_INDEXES = (
    # Articles with text, for searches in the archive and for retention.
    "CREATE INDEX ix_articles_archive ON articles (first_seen) WHERE {has_text}",
    # Merged stories. Otherwise SQLite would use the index for “merged_into IS NULL”, which is most rows.
    "CREATE INDEX ix_stories_merged_into ON stories (merged_into) WHERE merged_into IS NOT NULL",
    # Members that name another story.
    "CREATE INDEX ix_members_near ON members (near) WHERE near IS NOT NULL",
    "CREATE INDEX ix_outbox_unsent ON outbox (thread, seq) WHERE state IN ('pending', 'sending', 'unknown', 'parked')",
)

#: Alembic's table with the revision of the schema, as Alembic makes it.
_revision = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def create(connection: Connection) -> None:
    """Create all tables and indexes in an empty database, and note the revision of the schema."""
    metadata.create_all(connection)
    _revision.create(connection)
    connection.execute(_revision.insert().values(version_num=REVISION))
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in PARTIAL_INDEXES:
        connection.exec_driver_sql(statement.format(has_text="has_text = 1" if is_sqlite else "has_text"))
    for statement in _SQLITE_SEARCH if is_sqlite else _POSTGRES_SEARCH:
        connection.exec_driver_sql(statement)
