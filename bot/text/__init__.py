"""Find words, sentences, numbers, dates and languages in article text. Independent of rules and stories."""
