"""The questions about the archive, answered in one place for the CLI, the API, the assistant tools, chat and the pages.

registry      the base of all questions: Question, Parameters, Refused, Answers
stories, articles, rules, feedback, feeds, silences, status
              the parameters, values, functions and entries of the questions about each subject
actions       the questions that change something: splits, merges, silences
trials        trials of rules on the stored articles
backtest      what rules would have matched and posted
pasted        rules that were pasted to be tried
questions     the registry: the entries of all questions
assistants    the questions as tools for assistants
watched       the parts of the running bot that a question may read
"""
