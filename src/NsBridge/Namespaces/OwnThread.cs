namespace NsBridge.Namespaces;

/// <summary>Runs work that enters network namespaces on a thread that ends with it, never on one of the pool: a thread that is started
/// from inside a namespace stays inside.</summary>
internal static class OwnThread
{
    private const int StackSize = 256 << 10;

    public static Task<T> RunAsync<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Run, StackSize) { IsBackground = true, Name = "namespace probe" }.Start();
        return result.Task;

        void Run()
        {
            try
            {
                result.SetResult(work());
            }
            catch (Exception exception)
            {
                result.SetException(exception);
            }
        }
    }
}
