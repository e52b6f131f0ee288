"""Train what the package bundles.

    python scripts/train_demo.py networks                # all four, about an hour on two cores
    python scripts/train_demo.py networks --only vit     # one
    python scripts/train_demo.py networks --score-only   # measure the bundled weights again
    python scripts/train_demo.py usae                    # the bundled run, a quarter of an hour
    python scripts/train_demo.py index                   # its concept index alone, a minute

Checkpoints and rendered images lie under ``build/demo/``; an interrupted command that is given
again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from demo_training import scoring  # noqa: E402
from demo_training.images import open_store  # noqa: E402
from demo_training.loop import PLANS, train  # noqa: E402
from demo_training.usae import reindex, train_run  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from usae_viz.demo.networks import NETWORKS, WEIGHTS, Network, load  # noqa: E402

WORLD_SEED = 0
COLOUR_BLIND = "grey"
FROM_IMAGE_LABELS = ("dla", "resnet", "grey")
"""Networks whose own head is what was trained; the others' heads are fitted afterwards."""


def main() -> None:
    """Read the command line and run one of the stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    stages = parser.add_subparsers(dest="stage", required=True)
    networks = stages.add_parser("networks", help="the world's four networks")
    networks.add_argument("--only", nargs="+", choices=sorted(NETWORKS), help="just these")
    networks.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    networks.add_argument("--images", type=int, default=65536, help="training images to render")
    networks.add_argument("--folder", type=Path, default=ROOT / "build" / "demo")
    networks.add_argument("--score-only", action="store_true", help="train nothing")
    usae = stages.add_parser("usae", help="the bundled run, over the bundled networks")
    usae.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    usae.add_argument("--folder", type=Path, default=ROOT / "build" / "demo" / "run")
    usae.add_argument("--set", action="append", default=[], dest="sets", help="key=value")
    index = stages.add_parser("index", help="index the bundled run again, training nothing")
    index.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    index.add_argument("--folder", type=Path, default=ROOT / "build" / "demo" / "index")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.stage == "usae":
        recipe = ROOT / "recipes" / "world.toml"
        print(json.dumps(train_run(recipe, args.folder, WEIGHTS.parent / "run", args.sets)))
        return
    if args.stage == "index":
        print(json.dumps(reindex(WEIGHTS.parent / "run", args.folder)))
        return
    for name in args.only or NETWORKS:
        facts: dict[str, Any] = {}
        if not args.score_only:
            facts = _train(name, args.folder, args.images)
        _record(name, {**facts, **_score(NETWORKS[name])})


def _train(name: str, folder: Path, images: int) -> dict[str, Any]:
    """Train one network and write its weights; returns what is worth recording of it."""
    network = NETWORKS[name]
    model, seconds = train(name, open_store(folder, images, WORLD_SEED), folder)
    if name not in FROM_IMAGE_LABELS:
        scoring.fit_head(network, model, WORLD_SEED)
    _save(network, model)
    return {
        "training": network.training,
        "training_images": sum(phase.steps * phase.batch for phase in PLANS[name]),
        "distinct_images": images,
        "seconds": round(seconds),
        "seeds": [phase.seed for phase in PLANS[name]],
    }


def _save(network: Network, model: nn.Module) -> None:
    WEIGHTS.mkdir(exist_ok=True)
    state = {
        key: (value.half() if value.is_floating_point() else value).contiguous()
        for key, value in model.state_dict().items()
    }
    part = network.weights.with_suffix(".part")
    save_file(state, part)
    part.chmod(0o644)  # safetensors writes for the owner alone
    part.replace(network.weights)


def _score(network: Network) -> dict[str, Any]:
    """Measure the bundled (float16) weights on the held-out split."""
    model = load(network)
    images, labels = scoring.render(scoring.TEST, scoring.TEST_IMAGES, WORLD_SEED)
    own = scoring.head_logits(network, model, images)
    head = scoring.label_aucs(own, labels, network.concepts)
    probe = scoring.probe_aucs(network, model, WORLD_SEED, network.concepts)
    if network.name in FROM_IMAGE_LABELS:
        method, aucs = "the network's own logits", head
    else:
        method, aucs = "linear probe on mean and maximum of the tokens", probe
    facts: dict[str, Any] = {
        "auc": scoring.mean(aucs),
        "auc_by": method,
        "head_auc": scoring.mean(head),
        "probe_auc": scoring.mean(probe),
        "labels": aucs,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": network.weights.stat().st_size,
        "sha256": hashlib.sha256(network.weights.read_bytes()).hexdigest(),
        "test_images": scoring.TEST_IMAGES,
        "probe_images": scoring.PROBE_IMAGES,
    }
    if network.name == COLOUR_BLIND:
        blind = scoring.probe_aucs(network, model, WORLD_SEED, scoring.COLOUR_COLUMNS)
        facts["colour_probe_auc"] = scoring.mean(blind)
    return facts


def _record(name: str, facts: dict[str, Any]) -> None:
    """Merge ``facts`` into ``scores.json`` and print the summary as one JSON line."""
    path = WEIGHTS / "scores.json"
    scores = json.loads(path.read_text()) if path.exists() else {}
    scores[name] = {**scores.get(name, {}), **facts}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    part.replace(path)
    print(json.dumps({"network": name, **{k: v for k, v in facts.items() if k != "labels"}}))


if __name__ == "__main__":
    main()
