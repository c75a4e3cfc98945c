"""The queries about the archive, answered in one place for the CLI, the API, the assistant tools, chat and the pages.

registry      the base of all queries: Query, Parameters, Refused, QueryRunner
stories, articles, rules, feedback, feeds, silences, status
              the parameters, values, functions and entries of the queries about each subject
actions       the queries that change something: splits, merges, silences
trials        trials of rules on the stored articles
backtest      what rules would have matched and posted
pasted        rules that were pasted to be tried
queries     the registry: the entries of all queries
assistants    the queries as tools for assistants
watched       the parts of the running bot that a query may read
"""
