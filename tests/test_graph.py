"""Graphs: printing, checking, and steps that read and assign variables."""

import numpy as np
import pytest

from kerasnb import ops
from kerasnb.compile.step import Step
from kerasnb.errors import GraphError, ShapeError
from kerasnb.graph import Graph, inner_level
from kerasnb.spec import TensorSpec
from kerasnb.tensor import placeholder
from kerasnb.variable import Variable


def small_graph():
    with inner_level():
        x = placeholder(TensorSpec((2, 3), "float32"), "x")
        y = ops.sum(ops.relu(x * 2.0), axis=1)
    return Graph([x], [y])


def test_a_graph_prints_one_line_a_node():
    assert str(small_graph()) == (
        "%in0: f32[2,3] = input x\n"
        "%0: f32[2,3] = multiply(%in0, 2.0)\n"
        "%1: f32[2,3] = relu(%0)\n"
        "%2: f32[2] = reduce_sum(%1, axes=(1,))\n"
        "return %2"
    )


def test_a_graph_as_plain_data():
    data = small_graph().to_dict()
    assert data["inputs"] == [{"name": "%in0", "spec": "f32[2,3]"}]
    assert [n["op"] for n in data["nodes"]] == ["multiply", "relu", "reduce_sum"]
    assert data["nodes"][0]["inputs"] == ["%in0", 2.0]
    assert data["outputs"] == ["%2"]


def test_check_finds_a_wrong_spec():
    graph = small_graph()
    graph.nodes[1].outputs[0].spec = TensorSpec((9, 9), "float32")
    with pytest.raises(GraphError) as caught:
        graph.check()
    assert (
        str(caught.value) == "Node(relu): expected (f32[2,3],) from its inputs, stored (f32[9,9],)."
    )


def test_a_tensor_of_another_trace_is_refused():
    with inner_level():
        x, stranger = (placeholder(TensorSpec((2,), "float32"), n) for n in ("x", "stranger"))
        y = x + stranger
    with pytest.raises(GraphError) as caught:
        Graph([x], [y])
    assert str(caught.value) == (
        "The graph reads f32[2] 'stranger', which is none of its inputs. A tensor of another "
        "model, or "
        "of an earlier trace, was kept and used again."
    )


def test_symbolic_values_cannot_steer_python():
    def step(x):
        return x if x > 0 else -x

    with pytest.raises(GraphError) as caught:
        Step(step)(np.float32(1.0))
    assert str(caught.value) == (
        "bool() or `if` needs a value, but this bool[] is symbolic: it stands for data that comes "
        "later. Use kerasnb.ops (for example ops.where or ops.maximum) instead, or "
        "compile(run_eagerly=True) to run step by step on real values."
    )


def counting_step(eager=False):
    total, count = Variable(0.0), Variable(0)

    def function(x):
        total.assign_add(ops.sum(x))
        count.assign_add(1)
        return {"total": total.value, "mean": total / ops.cast(count, "float32")}

    return Step(function, eager), total, count


@pytest.mark.parametrize("eager", [False, True])
def test_a_step_changes_variables_and_gives_results(eager):
    step, total, count = counting_step(eager)
    step(np.ones(3, "float32"))
    logs = step(np.ones(5, "float32"))
    assert (float(total), int(count)) == (8.0, 2)
    assert float(logs["mean"]) == 4.0


@pytest.mark.parametrize("eager", [False, True])
def test_an_error_in_a_step_changes_nothing(eager):
    total = Variable(0.0)

    def function(x):
        total.assign_add(1.0)
        return ops.take(x, np.array([7], "int32"), axis=0)

    step = Step(function, eager)
    with pytest.raises(IndexError):
        step(np.ones(3, "float32"))
    assert float(total) == 0.0


def test_a_step_is_traced_once_per_spec():
    traces = []

    def function(x):
        traces.append(x.shape)
        return ops.sum(x)

    step = Step(function)
    for size in (3, 3, 4, 3, 4):
        assert float(step(np.ones(size, "float32"))) == size
    assert traces == [(3,), (4,)]


def test_the_form_of_the_arguments_matters():
    step = Step(lambda x: x["a"] - x["b"] if isinstance(x, dict) else x[0] + x[1])
    a, b = np.float32(5.0), np.float32(3.0)
    assert float(step([a, b])) == 8.0
    assert float(step({"a": a, "b": b})) == 2.0


def test_the_number_of_programs_is_bounded():
    step = Step(lambda x: ops.sum(x))
    for size in range(1, 100):
        assert float(step(np.ones(size, "float32"))) == size
    assert len(step._programs) == 64


def test_equal_nodes_are_merged():
    def function(x):
        return ops.exp(x) + ops.exp(x)

    step = Step(function)
    step(np.ones(3, "float32"))
    assert [n.op.name for n in step.graph().nodes] == ["exponential", "add"]


def test_a_variable_does_not_share_the_callers_memory():
    mine = np.ones(3, "float32")
    variable = Variable(mine)
    mine[0] = 7.0
    np.testing.assert_array_equal(variable.numpy(), np.ones(3))

    def function(x):
        variable.assign(ops.reshape(x, (3,)))

    Step(function)(mine)
    mine[1] = 9.0
    np.testing.assert_array_equal(variable.numpy(), [7.0, 1.0, 1.0])


def test_assigning_another_shape_is_refused():
    variable = Variable(np.ones(3, "float32"), name="kernel")
    with pytest.raises(ShapeError) as caught:
        variable.assign(np.ones(4, "float32"))
    assert str(caught.value) == "Variable 'kernel': expected a value of shape (3,), got (4,)."


def test_a_tensor_of_several_elements_is_no_number():
    with pytest.raises(ShapeError) as caught:
        float(ops.ones((2, 3)))
    assert str(caught.value) == "float() needs a tensor of one element, got f32[2,3]."
