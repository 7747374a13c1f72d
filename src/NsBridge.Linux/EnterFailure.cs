using NsBridge.Linux.Interop;

namespace NsBridge.Linux;

/// <summary>Why no socket of a network namespace could be made: which step, and its error.</summary>
public readonly record struct EnterFailure(EnterStep Step, Errno Error)
{
    /// <summary>Whether the namespace is simply not there (yet): a state to wait in, not a fault.</summary>
    /// <remarks>
    /// EINVAL belongs here: between the creation of the file and the mount over it, `ip netns add` shows a plain empty file.
    /// ESRCH: the process that stands for the namespace has ended.
    /// </remarks>
    public bool IsAbsent => (Step, Error) is
        (EnterStep.Open, Errno.ENOENT or Errno.ENOTDIR or Errno.ESRCH) or (EnterStep.Enter, Errno.EINVAL or Errno.ESRCH or Errno.ENOENT);

    /// <summary>Whether this process may not enter, where another one might.</summary>
    public bool LacksPrivilege => (Step, Error) is (EnterStep.Open, Errno.EACCES or Errno.EPERM) or (EnterStep.Enter, Errno.EPERM);

    /// <summary>Whether this process has no descriptors or memory left for it: to be tried again.</summary>
    public bool IsExhaustion => Error is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.ENOBUFS;
}
