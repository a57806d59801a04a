"""The hall both wings share: where artifacts live, and what is written about them."""
