"""The figures, one picture per module: a recording in, an ordinary `go.Figure` out."""
