using NsBridge.Testing;

namespace NsBridge.IntegrationTests.Exhaustion;

/// <summary>A limit of threads below what the daemon needs. RLIMIT_NPROC of a user without other processes takes the same place as
/// <c>pids.max</c>: pthread_create fails with EAGAIN for both.</summary>
internal sealed class ThreadLimitTests
{
    private const string Nobody = "54321";

    [TestCase("run", 3)]
    [TestCase("run", 8)]
    [TestCase("status", 8)]
    public async Task Start_WithFewerThreadsThanItNeeds_IsOneSentenceThatNamesTheSetting(string command, int threads)
    {
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        File.Copy(await PublishedDaemon.PathAsync(), scratch["nsbridge"]);

        CommandResult result = await Command.RunAsync(
            "prlimit",
            [$"--nproc={threads}", "setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", scratch["nsbridge"], command]);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Everything);
        Assert.That(
            result.Everything.Trim(),
            Does.Match($@"^nsbridge needs \d+ threads and may start {threads - 2}: "
                + @"raise TasksMax= \(pids\.max\), LimitNPROC= \(ulimit -u\) or LimitAS= \(ulimit -v\)$"));
    }
}
