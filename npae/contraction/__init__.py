"""Penalties on the Jacobians of deep stacks: the product, its norms, and the family beside `npae.Contractive`."""
