"""fake_kernel.py - a kernel with its modules for `ward image build`, which begins nowhere."""

NEEDED = ["drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_pci_legacy_dev",
          "drivers/virtio/virtio_pci_modern_dev", "drivers/virtio/virtio_pci",
          "drivers/char/virtio_console", "drivers/block/virtio_blk", "fs/squashfs/squashfs",
          "fs/overlayfs/overlay", "net/core/failover", "drivers/net/net_failover",
          "drivers/net/virtio_net"]


def make(kernel, modules):
    """Both at these paths."""
    kernel.parent.mkdir(parents=True, exist_ok=True)
    kernel.write_bytes(bytes(0x202) + b"HdrS" + b"a kernel")
    for name in NEEDED:
        path = modules / "kernel" / f"{name}.ko"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (modules / "modules.builtin").write_text("kernel/fs/ext4/ext4.ko\n")
    return [kernel, modules]
