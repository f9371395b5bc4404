"""Training: optimizers, schedules, the minibatch loop, the order of the samples, callbacks, L-BFGS."""
