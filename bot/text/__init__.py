"""Words, sentences, numbers, dates and languages of article text. No I/O, no knowledge of rules or stories."""
