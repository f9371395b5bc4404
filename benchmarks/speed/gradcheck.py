"""Compare the gradient checker with PyTorch's on one network; time its directions on a large one."""

from benchmarks.report import HEADER, beside, table
from benchmarks.speed.cases import Case, network
from benchmarks.speed.peers import torch_gradcheck
from npae.gradcheck import check_network


def main(quick=False):
    """Return a Markdown table."""
    rows = []
    for size, what in (
        ("64-25-64", "3,289 parameters, a random direction an array"),
        ("784-500-784", "a random direction an array"),
    ):
        case = Case(size, dtype="float64")
        net, x, peer = network(case), case.batch(), torch_gradcheck(case) if size == "64-25-64" else None
        what = f"{size}, batch {len(x)}, {what}"
        rows.append(beside(what, lambda n=net, x=x: check_network(n, x), peer, seconds=0 if quick else 6, burst=0))
    return table(["check", "torch.autograd.gradcheck / npae", *HEADER[2:]], rows)


if __name__ == "__main__":
    print(main())
