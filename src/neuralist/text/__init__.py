"""Texts as tokens, ids and features: tokenizer, vocabulary, word vectors, TF-IDF, style, synonyms, names."""
