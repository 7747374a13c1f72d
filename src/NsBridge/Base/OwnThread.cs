namespace NsBridge.Base;

/// <summary>
/// Runs work that enters network namespaces on a thread that ends with it. Never one of the pool: whatever is started by a thread
/// while it is inside stays inside.
/// </summary>
internal static class OwnThread
{
    private const int StackSize = 256 << 10;

    public static Task<T> RunAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    result.SetResult(work());
                }
                catch (Exception exception)
                {
                    result.SetException(exception);
                }
            },
            StackSize)
        {
            IsBackground = true,
            Name = "namespace look",
        };
        thread.Start();
        return result.Task;
    }
}
