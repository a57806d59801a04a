"""What crosses between the wings: messages as data, and the mailbox that carries them."""
