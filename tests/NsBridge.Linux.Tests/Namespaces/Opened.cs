using NsBridge.Linux.Interop;

namespace NsBridge.Linux.Tests.Namespaces;

/// <summary>What came of opening one TCP socket of a namespace.</summary>
internal sealed record Opened(int Descriptor, ulong Cookie, EnterFailure Failure) : IDisposable
{
    internal static Opened From(NetworkNamespace reference) => OwnThread.Run(() =>
    {
        int descriptor = reference.OpenSocket(Libc.AF_INET, Libc.SOCK_STREAM, out ulong cookie, out EnterFailure failure);
        return new Opened(descriptor, cookie, failure);
    });

    public void Dispose() => Libc.Close(Descriptor);
}
