"""The system calls that student code may not make, as a BPF program built in the trusted process."""

from __future__ import annotations

import errno
import resource
import socket
import tempfile
from typing import Any

from autograder.errors import SandboxUnavailable

CLONE_THREAD = 0x10000

# Refused with EPERM. What is not here is bounded by namespaces, limits or Landlock.
_DENIED = """
    accept accept4 bind connect listen socket sendmsg sendmmsg execve execveat fork vfork memfd_create memfd_secret
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_open pidfd_getfd pidfd_send_signal mount
    umount2 pivot_root chroot setns unshare open_tree move_mount fsopen fsmount fsconfig fspick mount_setattr
    name_to_handle_at open_by_handle_at mknod mknodat quotactl quotactl_fd fanotify_init bpf perf_event_open
    userfaultfd keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register kexec_load
    kexec_file_load init_module finit_module delete_module reboot swapon swapoff syslog acct settimeofday
    clock_settime clock_adjtime adjtimex sethostname setdomainname personality shmget shmat shmctl msgget msgsnd
    msgrcv msgctl semget semop semtimedop semctl sched_setaffinity sched_setscheduler sched_setparam sched_setattr
    setpriority ioprio_set landlock_create_ruleset modify_ldt iopl ioperm lookup_dcookie vmsplice migrate_pages
    move_pages mbind set_mempolicy set_mempolicy_home_node
    inotify_init inotify_init1 inotify_add_watch flock sync syncfs io_setup
"""
# statmount, listmount, open_tree_attr, newer than libseccomp's names: they tell of the machine's mounts.
_DENIED_NUMBERS = (457, 458, 467)  # the same on every architecture
# F_GETLK, F_SETLK, F_SETLKW, the same of open files, F_SETLEASE, F_NOTIFY
_DENIED_FCNTL = (5, 6, 7, 36, 37, 38, 1024, 1026)


def program() -> bytes:
    """The filter as BPF instructions. Raises SandboxUnavailable without libseccomp."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise SandboxUnavailable(
            f"The library libseccomp is needed to isolate student code and could not be loaded ({error}); "
            "install it (Debian: apt-get install libseccomp2) or set c.Engine.isolation."
        ) from None

    def narrow(place: int, value: int) -> Any:
        """An argument of 32 bits: the kernel reads no more of it, whatever stands in the others."""
        return pyseccomp.Arg(place, pyseccomp.MASKED_EQ, 0xFFFFFFFF, value)

    refuse = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in (*_DENIED.split(), *_DENIED_NUMBERS):
        try:
            rules.add_rule(refuse, name)
        except (OSError, RuntimeError, ValueError):  # a call that this architecture or libseccomp does not have
            continue
    # Threads, not processes; glibc falls back from clone3, whose flags a filter cannot see, to clone.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0))
    # The kernel kills by SIGKILL who is over this limit: who sets it could be killed when he likes, as if from outside.
    rules.add_rule(refuse, "setrlimit", narrow(0, resource.RLIMIT_CPU))
    rules.add_rule(refuse, "prlimit64", narrow(1, resource.RLIMIT_CPU), pyseccomp.Arg(2, pyseccomp.NE, 0))
    # A lock or a lease holds up whoever wants the file, a notice tells of him, and a question for locks finds others'.
    for command in _DENIED_FCNTL:
        rules.add_rule(refuse, "fcntl", narrow(1, command))
    rules.add_rule(refuse, "sendto", pyseccomp.Arg(4, pyseccomp.NE, 0))
    # A pair of its own is what an asyncio event loop needs; it leads nowhere.
    rules.add_rule(refuse, "socketpair", pyseccomp.Arg(0, pyseccomp.NE, int(socket.AF_UNIX)))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def number(name: str) -> int:
    """The number of a system call on this machine."""
    import pyseccomp

    resolved: int = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    return resolved
