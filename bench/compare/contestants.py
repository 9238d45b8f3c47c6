"""Who is compared: how each is found, configured, started and sized."""

import os
import platform
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Failed

RIVALS = Path(__file__).resolve().parent.parent / "rivals"
SBIN = "/usr/sbin:/usr/local/sbin:/sbin"
FETCH_SECONDS_MAX = 300


@dataclass
class Contestant:
    name: str  # as in --only and in tables
    title: str
    role: str = "rival"  # ours, rival or baseline
    note: str = ""
    template: str = ""  # of rivals/, filled in and given to `command`
    threads_max: int = 2
    slow: bool = False  # not counted when the rate of the latency row is chosen
    fields: list = field(default_factory=list)  # what a client of it must send
    environment: dict = field(default_factory=dict)
    command: object = None  # (installed, configuration, values) -> list
    version_command: list = field(default_factory=list)
    find: object = None  # (cache, options) -> Installed


@dataclass
class Installed:
    program: Path
    libraries: str = ""  # LD_LIBRARY_PATH
    folders: list = field(default_factory=list)  # what it needs beside program and libraries
    main: Path = None  # of a script: what `program` runs
    version: str = ""

    def environment(self):
        return {"LD_LIBRARY_PATH": self.libraries} if self.libraries else {}


def fetch(*arguments):
    done = subprocess.run([RIVALS / "fetch.sh", *map(str, arguments)], capture_output=True,
                          text=True, timeout=FETCH_SECONDS_MAX)
    if done.returncode != 0:
        raise Failed(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "fetch.sh")


def from_debian(package):
    """Finds the machine's own program, else one unpacked into the cache."""
    def find(cache, _):
        path = shutil.which(package, path=f"{os.environ.get('PATH', '')}:{SBIN}")
        if path:
            return Installed(Path(path))
        folder = cache / package
        if not folder.is_dir():
            fetch("deb", package, folder)
        for place in ("usr/sbin", "usr/bin"):
            if (folder / place / package).exists():
                libraries = [str(path) for path in folder.glob("usr/lib/*-linux-gnu")]
                return Installed(folder / place / package, ":".join(libraries))
        raise Failed(f"Debian's package {package} holds no program {package}")
    return find


def npm_folder(cache):
    folder = cache / "node"
    if not folder.is_dir():
        fetch("npm", folder)
    return folder / "node_modules"


def find_workerd(cache, _):
    machine = {"x86_64": "64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    program = npm_folder(cache) / f"@cloudflare/workerd-linux-{machine}/bin/workerd"
    if not program.exists():
        raise Failed(f"npm has no workerd for {platform.machine()}")
    return Installed(program)


def find_portkey(cache, _):
    modules = npm_folder(cache)
    main = modules / "@portkey-ai/gateway/build/start-server.js"
    if not main.exists():
        raise Failed("the package @portkey-ai/gateway holds no build/start-server.js")
    # workerd lies in the same folder and is no part of it.
    others = [path for path in modules.iterdir() if path.name not in ("@cloudflare", "workerd")]
    return Installed(Path(shutil.which("node")), folders=others, main=main)


def find_ours(_, options):
    if not os.access(options.binary, os.X_OK):
        raise Failed(f"no program at {options.binary}: build it with make")
    return Installed(Path(options.binary).resolve())


CONTESTANTS = [
    Contestant("direct", "direct", role="baseline",
               note="no proxy: the client speaks to the upstream's plain port"),
    Contestant("relay", "raw TCP relay", role="baseline", template="relay.cfg.in",
               note="HAProxy in mode tcp: neither HTTP nor TLS, so it relays to the upstream's "
                    "plain port; what moving bytes alone costs",
               find=from_debian("haproxy"), version_command=["-v"],
               command=lambda got, config, _: [got.program, "-db", "-f", config]),
    Contestant("nginx", "nginx", template="nginx.conf.in", find=from_debian("nginx"),
               version_command=["-v"],
               command=lambda got, config, values: [
                   got.program, "-e", f"{values['dir']}/early.log", "-p", values["dir"],
                   "-c", config]),
    Contestant("haproxy", "HAProxy", template="haproxy.cfg.in", find=from_debian("haproxy"),
               version_command=["-v"],
               command=lambda got, config, _: [got.program, "-db", "-f", config]),
    Contestant("h2o", "h2o", template="h2o.conf.in", find=from_debian("h2o"),
               version_command=["-v"],
               command=lambda got, config, _: [got.program, "-m", "worker", "-c", config]),
    Contestant("caddy", "Caddy", template="Caddyfile.in", find=from_debian("caddy"),
               version_command=["version"], environment={"GOMAXPROCS": "@workers@"},
               command=lambda got, config, _: [
                   got.program, "run", "--adapter", "caddyfile", "--config", config]),
    Contestant("worker", "Worker on workerd", template="workerd.capnp.in", find=find_workerd,
               version_command=["--version"], threads_max=1,
               note="the Cloudflare Worker this proxy replaces, on Cloudflare's runtime; one "
                    "thread of JavaScript",
               command=lambda got, config, _: [got.program, "serve", config]),
    Contestant("portkey", "Portkey gateway", find=find_portkey, threads_max=1, slow=True,
               note="an AI gateway on Node; one thread of JavaScript",
               fields=["x-portkey-provider: openai",
                       "x-portkey-custom-host: https://localhost:@upstream_port@/v1"],
               environment={"NODE_EXTRA_CA_CERTS": "@ca_file@", "NODE_ENV": "production"},
               command=lambda got, _, values: [
                   got.program, got.main, "--headless", f"--port={values['port']}"]),
    Contestant("ours", "openai-proxy", role="ours", template="openai-proxy.yaml.in",
               find=find_ours, version_command=["--version"],
               command=lambda got, config, _: [got.program, "--config", config]),
]


def fill(text, values):
    """`text` with each @name@ replaced; a name without a value is a mistake in the template."""
    return re.sub(r"@([a-z_]+)@", lambda match: str(values[match.group(1)]), text)


def lines_for(clients, text):
    """`text` with its lines for such clients, "plain" or "tls", and those for all."""
    other = "plain" if clients == "tls" else "tls"
    text = re.sub(rf"^@{other}@.*\n", "", text, flags=re.MULTILINE)
    return re.sub(rf"^@{clients}@", "", text, flags=re.MULTILINE)


def prepare(contestant, values):
    """Writes the configuration into values["dir"]; returns its path, None where there is none.
    Lines of a template that begin with @plain@ or @tls@ are for values["clients"] of that kind."""
    if not contestant.template:
        return None
    folder = Path(values["dir"])
    path = folder / contestant.template.removesuffix(".in")
    template = (RIVALS / contestant.template).read_text()
    path.write_text(fill(lines_for(values["clients"], template), values))
    if contestant.name == "worker":  # A capnp file can name only what lies beside it.
        shutil.copy(RIVALS / "worker.js", folder)
        for name in ("ca.pem", "leaf.pem", "leaf.key"):
            shutil.copy(Path(values["certificates"]) / name, folder)
    return path


def version(contestant, installed):
    """What the program says its version is: the first thing that looks like one."""
    if installed.main:  # npm's
        text = (installed.main.parent.parent / "package.json").read_text()
        return re.search(r'"version": *"([^"]+)"', text).group(1)
    done = subprocess.run([installed.program, *contestant.version_command], capture_output=True,
                          text=True, timeout=20, env={**os.environ, **installed.environment()})
    match = re.search(r"\d+(\.\d+|-\d+)+", done.stdout + done.stderr)
    return match.group(0) if match else ""


def shared_libraries(program, environment):
    done = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=20,
                          env={**os.environ, **environment})
    return {os.path.realpath(match) for match in re.findall(r"(/\S+) \(0x", done.stdout)}


def size_bytes(installed):
    """The program, the shared libraries it is linked with, and its folders (node_modules)."""
    files = {os.path.realpath(installed.program)}
    files |= shared_libraries(installed.program, installed.environment())
    for folder in installed.folders:
        for parent, _, names in os.walk(folder):
            files |= {os.path.realpath(os.path.join(parent, name)) for name in names}
    return sum(os.path.getsize(path) for path in files if os.path.exists(path))


def files_max():
    """How many descriptors a process may open here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
