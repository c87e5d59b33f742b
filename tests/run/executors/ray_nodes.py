"""A Ray cluster on this machine, as a program: a head without CPUs and two nodes. It ends with its standard input."""

import sys

import ray
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
for _ in range(2):
    cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
sys.stdin.read()
ray.shutdown()
cluster.shutdown()
