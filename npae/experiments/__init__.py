"""What is trained for people to look at: the family side by side, linear theory, learnt manifolds."""
