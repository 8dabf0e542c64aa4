"""The root of the machine in tests/vm: a small Debian, built once and kept outside the sources.

Kept in ${XDG_CACHE_HOME:-~/.cache}/hall/vm/KEY, where KEY is a hash of this file and of the Debian release: a changed
recipe makes a new one, a new hall-agent does not. The agent and all that belongs to one run are handed in at each
boot, in a second archive behind the initramfs (see bundle).

The file system is filled by mke2fs -d, so nothing is mounted and no loop device is needed.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "demo"))
from debroot import Missing, cache, debootstrap, release, run, tool  # noqa: E402

PACKAGES = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "polkitd", "openssh-server", "udev", "kmod", "iproute2",
            "busybox-static", "libmosquitto1", "libcjson1", "libsystemd0", "tmux", "rsync"]
MODULES = ["virtio_pci", "virtio_blk", "ext4", "e100", "button", "tcp_diag"]  # others find no module to load on demand
NEEDED = ["debootstrap", "mke2fs", "cpio", "dpkg-deb", "apt-get", "qemu-system-x86_64", "ssh", "ssh-keygen"]
UNWANTED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
            "getty@tty1.service", "systemd-timesyncd.service", "systemd-pstore.service", "e2scrub_reap.service",
            "systemd-networkd-persistent-storage.service"]
SIZE = "900M"  # of the file system; the file has holes

INIT = """#!/bin/busybox sh
export PATH=/bin
busybox mkdir -p /proc /sys /dev /newroot
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
while read -r module; do busybox insmod "/modules/$module"; done </modules/order
until [ -b /dev/vda ]; do busybox sleep 0.1; done
busybox mount -t ext4 /dev/vda /newroot || exec busybox sh
busybox cp -a /handed-in/. /newroot/
busybox umount /proc /sys
exec busybox switch_root /newroot /sbin/init
"""


def key(suite):
    recipe = Path(__file__).read_bytes()
    return hashlib.sha256(b"\0".join([recipe, suite.encode()])).hexdigest()[:16]


# Building

def _kernel(work):
    """The newest kernel's package, unpacked: (folder, version)."""
    words = run("apt-cache", "depends", "--important", "linux-image-amd64")
    name = re.search(r"Depends: (linux-image-\S+)", words)
    if not name:
        raise Missing("apt knows no linux-image-amd64: apt-get update, and see /etc/apt/sources.list.d")
    folder = work / "kernel"
    folder.mkdir()
    run("apt-get", "-o", "APT::Sandbox::User=root", "download", name.group(1), cwd=folder, timeout=600)
    run("dpkg-deb", "-x", next(folder.glob("*.deb")), folder)
    # Debian 13 keeps modules and kernel below /usr.
    modules = next(p for p in (folder / "lib/modules", folder / "usr/lib/modules") if p.is_dir())
    return folder, next(modules.iterdir())


def _module_order(root, modules):
    """Copies the modules' folder into the root to have its depmod and modprobe asked; gives files in loading order."""
    version = modules.name
    target = root / "lib/modules" / version
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(modules, target, symlinks=True)
    run("chroot", root, "depmod", version)
    order = []
    for name in MODULES:
        text = run("chroot", root, "modprobe", "--show-depends", "-S", version, name)
        order += [words[1] for words in map(str.split, text.splitlines()) if words[0] == "insmod"]
    return list(dict.fromkeys(order))


def _unpacked(file, target):
    """Modules are compressed in Debian 13; busybox's insmod wants them plain."""
    if file.suffix == ".xz":
        with open(target, "wb") as out:
            subprocess.run(["xz", "-dc", file], check=True, stdout=out)
    else:
        shutil.copy(file, target)


def _initramfs(root, order, work, out):
    tree = work / "initramfs"
    (tree / "modules").mkdir(parents=True)
    (tree / "bin").mkdir()
    shutil.copy(root / "bin/busybox", tree / "bin/busybox")
    names = []
    for path in order:
        names.append(Path(path).name.removesuffix(".xz"))
        _unpacked(root / path.lstrip("/"), tree / "modules" / names[-1])
    (tree / "modules" / "order").write_text("".join(name + "\n" for name in names))
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    bundle(tree, out)


def bundle(tree, out):
    """An archive the kernel unpacks at boot. Several, one behind the other in one file, are unpacked in turn."""
    names = "\0".join(sorted(str(p.relative_to(tree)) for p in tree.rglob("*"))) + "\0"
    with open(out, "wb") as file:
        subprocess.run([tool("cpio"), "--null", "--create", "--format=newc", "--owner=0:0", "--quiet"], cwd=tree, check=True,
                       input=names.encode(), stdout=file)


def _settle(root):
    """What belongs to every run: no passwords, no keys, no chores at boot."""
    for name in UNWANTED:
        link = root / "etc/systemd/system" / name
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    for key_file in (root / "etc/ssh").glob("ssh_host_*"):
        key_file.unlink()
    run("chroot", root, "useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "hall-agent")
    run("chroot", root, "systemctl", "enable", "systemd-networkd", "ssh")
    (root / "etc/machine-id").write_text("")
    (root / "etc/fstab").write_text("")
    for folder in ("lib/modules", "var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / folder, ignore_errors=True)


def _build(suite, out):
    with tempfile.TemporaryDirectory(prefix="hall-vm-", dir=out.parent) as folder:
        work, root = Path(folder), Path(folder) / "root"
        new = work / "new"
        new.mkdir()
        debootstrap(suite, root, PACKAGES)
        kernel, modules = _kernel(work)
        order = _module_order(root, modules)
        _initramfs(root, order, work, new / "initramfs")
        shutil.copy(kernel / "boot" / f"vmlinuz-{modules.name}", new / "vmlinuz")
        _settle(root)
        run(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, "-E", "root_owner=0:0", new / "root.ext4", SIZE)
        new.rename(out)


def image():
    """The folder with vmlinuz, initramfs and root.ext4; builds it when it is not there."""
    for name in NEEDED:
        tool(name)
    if os.geteuid() != 0:
        raise Missing("a machine with a network card of its own needs root: run this as root")
    suite = release()
    base, wanted = cache("vm"), key(suite)
    base.mkdir(parents=True, exist_ok=True)
    with open(base / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builds, others wait for it
        if not (base / wanted).is_dir():
            for old in base.glob("[0-9a-f]" * 16):
                shutil.rmtree(old)
            with contextlib.suppress(FileExistsError):
                _build(suite, base / wanted)
    return base / wanted


if __name__ == "__main__":
    try:
        print(image())
    except Missing as missing:
        sys.exit(f"tests/vm: {missing}")
