"""The same runs in JAX: jit of a lax.scan, gradients of a perturbation of every state."""

from collections.abc import Callable

import numpy as np


def candidates(
    cell: str, state: dict[str, np.ndarray], x: np.ndarray, readout: np.ndarray
) -> dict[str, Callable[[], object]]:
    """Return one call; its compilation happens in the first one."""
    import jax  # noqa: PLC0415 - measured where it is installed, never a dependency
    import jax.numpy as jnp  # noqa: PLC0415

    jax.config.update("jax_enable_x64", True)
    steps, batch, _ = x.shape
    hidden = len(readout)
    weights = {name.removesuffix("_l0"): jnp.asarray(array) for name, array in state.items()}
    inputs, v = jnp.asarray(x), jnp.asarray(readout)

    def step(
        w: dict[str, jax.Array], now: tuple[jax.Array, ...], x_t: jax.Array
    ) -> tuple[jax.Array, ...]:
        of_x = x_t @ w["weight_ih"].T + w["bias_ih"]
        of_h = now[0] @ w["weight_hh"].T + w["bias_hh"]
        if cell == "rnn":
            return (jnp.tanh(of_x + of_h),)
        if cell == "gru":
            r_x, z_x, n_x = jnp.split(of_x, 3, -1)
            r_h, z_h, n_h = jnp.split(of_h, 3, -1)
            r, z = jax.nn.sigmoid(r_x + r_h), jax.nn.sigmoid(z_x + z_h)
            n = jnp.tanh(n_x + r * n_h)
            return ((1 - z) * n + z * now[0],)
        i, f, g, o = jnp.split(of_x + of_h, 4, -1)
        c = jax.nn.sigmoid(f) * now[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    def loss(w: dict[str, jax.Array], nudges: jax.Array) -> jax.Array:
        zero = jnp.zeros((batch, hidden))
        start = (zero, zero) if cell == "lstm" else (zero,)

        def body(
            now: tuple[jax.Array, ...], given: tuple[jax.Array, jax.Array]
        ) -> tuple[tuple[jax.Array, ...], None]:
            h, *rest = step(w, now, given[0])
            return (h + given[1], *rest), None

        end, _ = jax.lax.scan(body, start, (inputs, nudges))
        return (end[0] * v).sum()

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    nothing = jnp.zeros((steps, batch, hidden))
    return {"jax": lambda: jax.block_until_ready(gradient(weights, nothing))}
