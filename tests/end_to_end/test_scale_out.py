"""Tests of replicas behind the proxy of deploy/compose, and of the Kubernetes manifests."""

import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import kubernetes_validate
import pytest
import yaml
from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSServer

from support.serving import SHIPPED, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = "1.31"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
NEW_ADDRESSES = ("127.0.0.4", "127.0.0.5")
CLIENTS, REQUESTS = 4, 300
ROW = {"instances": [[0.1, 0.2]]}
Eventually = Callable[[Callable[[], bool]], None]


class Replicas(BaseResolver):
    """DNS resolver like Docker's: every name has the addresses of all replicas.

    Args:
        addresses: Addresses of the replicas; a test may change the list.
    """

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:  # noqa: ARG002 (the library's signature)
        reply = request.reply()
        if request.q.qtype == QTYPE.A:
            for address in self.addresses:
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=1))
        return reply


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


@contextmanager
def running_dns(port: int, addresses: list[str]) -> Iterator[None]:
    server = DNSServer(Replicas(addresses), address="127.0.0.1", port=port)
    server.start_thread()
    try:
        yield
    finally:
        server.stop()
        server.server.server_close()


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
def test_killed_replica_loses_at_most_responses_being_sent(tmp_path: Path, eventually: Eventually) -> None:
    port, own, dns = (str(free_port(host)) for host in ("0.0.0.0", "127.0.0.1", "127.0.0.1"))
    with ExitStack() as stack:
        stack.enter_context(running_dns(int(dns), list(ADDRESSES)))
        serve = [sys.executable, "-m", "enn_service", "--port", port, "--models", str(SHIPPED), "--host"]
        replicas = [stack.enter_context(running([*serve, host], tmp_path / host)) for host in ADDRESSES]
        configuration = str(DEPLOY / "compose" / "haproxy.cfg")
        stack.enter_context(
            running(
                ["haproxy", "-f", configuration],
                tmp_path / "proxy",
                PORT=own,
                SERVICE=f"enn:{port}",
                RESOLVER=f"127.0.0.1:{dns}",
            )
        )
        url = f"http://127.0.0.1:{own}"
        eventually(lambda: answers(url) and both_serve(port))
        wanted = httpx.post(f"{url}/v1/models/ring:predict", json=ROW).content
        found: Counter[tuple[int, bytes]] = Counter()
        cut_short: list[int] = []

        def ask(number: int) -> None:
            with httpx.Client(base_url=url) as client:
                for turn in range(REQUESTS):
                    if number == 0 and turn == REQUESTS // 3:
                        replicas[0].kill()
                    try:
                        reply = client.post("/v1/models/ring:predict", json=ROW)
                    except httpx.RemoteProtocolError:  # cut short: only the client can repeat it
                        cut_short.append(turn)
                        reply = client.post("/v1/models/ring:predict", json=ROW)
                    found[reply.status_code, reply.content] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(ask, range(CLIENTS)))
    assert found == {(200, wanted): CLIENTS * REQUESTS}
    assert len(cut_short) < CLIENTS


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not installed")
def test_new_replicas_replace_old_ones_without_loss(tmp_path: Path, eventually: Eventually) -> None:
    port, own, dns = (str(free_port(host)) for host in ("0.0.0.0", "127.0.0.1", "127.0.0.1"))
    addresses: list[str] = [*ADDRESSES]
    ended = threading.Event()
    serve = [sys.executable, "-m", "enn_service", "--port", port, "--models", str(SHIPPED), "--host"]
    with ExitStack() as stack:
        stack.enter_context(running_dns(int(dns), addresses))
        old = [stack.enter_context(running([*serve, host], tmp_path / host)) for host in ADDRESSES]
        proxy = {"PORT": own, "SERVICE": f"enn:{port}", "RESOLVER": f"127.0.0.1:{dns}"}
        configuration = str(DEPLOY / "compose" / "haproxy.cfg")
        stack.enter_context(running(["haproxy", "-f", configuration], tmp_path / "proxy", **proxy))
        url = f"http://127.0.0.1:{own}"
        eventually(lambda: answers(url) and both_serve(port))
        found: Counter[int] = Counter()

        def ask(_: int) -> None:
            while not ended.is_set():
                with httpx.Client(base_url=url) as client:
                    for _turn in range(20):
                        found[client.post("/v1/models/ring:predict", json=ROW).status_code] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(ask, number) for number in range(CLIENTS)]
            try:
                new = [stack.enter_context(running([*serve, host], tmp_path / host)) for host in NEW_ADDRESSES]
                addresses.extend(NEW_ADDRESSES)
                eventually(lambda: all(answers(f"http://{host}:{port}") for host in NEW_ADDRESSES))
                eventually(lambda: all(has_predicted(f"http://{host}:{port}") for host in NEW_ADDRESSES))
                for process in old:
                    process.terminate()
                eventually(lambda: all(process.poll() == 0 for process in old))
                del addresses[: len(ADDRESSES)]
                before = found[200]
                eventually(lambda: found[200] > before + CLIENTS)
            finally:
                ended.set()
            for each in clients:
                each.result()
        assert all(process.poll() is None for process in new)
    assert set(found) == {200}


def has_predicted(url: str) -> bool:
    """Return True if the proxy has sent a prediction to this replica."""
    return 'enn_request_predict_seconds_count{model_name="ring"' in httpx.get(f"{url}/metrics").text


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def both_serve(port: str) -> bool:
    return all(answers(f"http://{host}:{port}") for host in ADDRESSES)


def documents(path: str) -> list[dict]:
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


@pytest.mark.parametrize("document", documents("kubernetes/enn.yaml"), ids=lambda document: document["kind"])
def test_kubernetes_objects_match_published_schemas(document: dict) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_manifests_match_the_built_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    deployment = documents("kubernetes/enn.yaml")[0]["spec"]["template"]["spec"]
    runtime = documents("kserve/enn.yaml")[0]["spec"]
    assert f"USER {deployment['securityContext']['runAsUser']}:" in dockerfile
    for container in (deployment["containers"][0], runtime["containers"][0]):
        assert f"EXPOSE {container['ports'][0]['containerPort']}\n" in dockerfile
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} <= {"/mnt/models", "/tmp"}
        assert {"name": "ENN_PORT", "value": str(container["ports"][0]["containerPort"])} in container["env"]
    assert "ENN_MODELS=/mnt/models" in dockerfile
    # A Service named enn would otherwise set ENN_PORT in the pods.
    service = documents("kserve/enn.yaml")[1]["spec"]
    assert [pod["enableServiceLinks"] for pod in (deployment, service["predictor"])] == [False, False]
    assert runtime["containers"][0]["name"] == "kserve-container"
