"""The questions about the archive, answered in one place for the CLI, the API, the assistant tools, chat and the pages.

registry      what a question is; parameters, refusals, Answers
stories, articles, rules, feeds, silences
              the questions of each subject: parameters, values, functions
trials        a rule tried on the stored articles
questions     the entry of each question
assistants    the entries as tools
"""
