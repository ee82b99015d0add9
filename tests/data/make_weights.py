"""Write the weight files of tests/data/weights with PyTorch and safetensors, and what they compute.

Run it where both are installed: `python tests/data/make_weights.py`. `outputs.npz` holds, for each
network, an input and the output of PyTorch's fused kernel, in float64, with the stored weights.
"""

from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent / "weights"
NETS = {
    "lstm_2layers_bi_F32": (nn.LSTM, {"num_layers": 2, "bidirectional": True}, torch.float32),
    "lstm_F64_no_bias": (nn.LSTM, {"bias": False}, torch.float64),
    "gru_F16": (nn.GRU, {}, torch.float16),
    "rnn_3layers_BF16": (nn.RNN, {"num_layers": 3}, torch.bfloat16),
}


def drawn(kind: type[nn.RNNBase], options: dict, dtype: torch.dtype) -> nn.RNNBase:
    """Draw a net of D = 3, H = 2 whose weights are exact in `dtype`."""
    return kind(3, 2, **options).to(dtype)


def main() -> None:
    """Write every file."""
    torch.manual_seed(20131211)
    torch.set_num_threads(1)
    HERE.mkdir(exist_ok=True)
    found = {}
    for name, (kind, options, dtype) in NETS.items():
        net = drawn(kind, options, dtype)
        save_file(net.state_dict(), HERE / f"{name}.safetensors")
        x = torch.randn(4, 2, 3, dtype=torch.float64)
        y, _ = net.double()(x)
        found[f"{name}.x"], found[f"{name}.y"] = x.numpy(), y.detach().numpy()
    projected = nn.LSTM(3, 4, proj_size=2)
    save_file(projected.state_dict(), HERE / "lstm_projected.safetensors")
    model = nn.ModuleDict({"encoder": nn.GRU(3, 2), "head": nn.Linear(2, 1)})
    save_file(model.state_dict(), HERE / "model.safetensors")
    torch.save(nn.RNN(1, 1).state_dict(), HERE / "pickled.pt")
    np.savez(HERE / "outputs.npz", **found)
    print(f"made with PyTorch {torch.__version__}, safetensors {safetensors.__version__}")


if __name__ == "__main__":
    main()
