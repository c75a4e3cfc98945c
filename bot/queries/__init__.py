"""The questions about the archive, answered in one place for the CLI, the API, the assistant tools, chat and the pages.

registry      the base: questions, parameters, refusals, Answers
stories, articles, rules, feeds, silences, status
              the parameters, values and functions of the questions about each subject
trials        trials of rules on the stored articles
questions     the registry entry of each question
assistants    the questions as tools for assistants
watched       the parts of the running bot that a question may read
"""
