"""The pages of Gradient Flow Lab: controls, figures and the address around `rnn_core`."""
