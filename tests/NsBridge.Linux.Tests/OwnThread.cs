using System.Runtime.ExceptionServices;

namespace NsBridge.Linux.Tests;

/// <summary>Runs code on a thread of its own: namespaces may be entered from no other.</summary>
internal static class OwnThread
{
    internal static T Run<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = work();
            }
            catch (Exception error)
            {
                failed = ExceptionDispatchInfo.Capture(error);
            }
        });
        thread.Start();
        thread.Join();
        failed?.Throw();
        return result;
    }
}
