"""Training settings: the former name of bidirectional training is read."""

from seqloom.recipes import load_recipe
from seqloom.training import TrainingSettings


def test_the_former_name_of_bidirectional_is_read() -> None:
    assert TrainingSettings.parse({"both_ways": 0.4}).bidirectional == 0.4
    assert load_recipe("transformer-tiny", ["training.both_ways=0.3"]).training.bidirectional == 0.3
    assert "both_ways" not in load_recipe("transformer-tiny").to_yaml()
