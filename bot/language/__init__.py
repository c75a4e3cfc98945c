"""What is known of language: words and their stems, how common they are, outlet names in titles.

One home for what grouping, facts and summaries need of a text. Knows no article and no story.
"""
