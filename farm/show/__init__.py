"""Values to text: tables, summaries and explanations. Prints nothing itself."""
