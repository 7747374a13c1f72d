using NsBridge.Testing;

namespace NsBridge.SystemTests.Machine;

/// <summary>A client inside the container that keeps one connection busy and notices any break.</summary>
internal sealed class HeldConnection : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(15);
    private readonly BackgroundProcess _client;

    private HeldConnection(BackgroundProcess client) => _client = client;

    /// <summary>Connects to a port of the machine's loopback address and returns after the first echo.</summary>
    public static async Task<HeldConnection> OpenAsync(SystemdContainer machine, int port)
    {
        var held = new HeldConnection(machine.Start($"exec python3 /usr/local/bin/held-connection 127.0.0.1 {port}"));
        try
        {
            await held.GoesOnAsync();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Waits for echoes that were not there before.</summary>
    public async Task GoesOnAsync()
    {
        int before = Echoes;
        await Eventually.TrueAsync(
            () => Task.FromResult(Echoes >= before + 3 || _client.HasExited), s_soon, () =>
                "echoes; the client wrote:\n" + string.Join('\n', _client.Lines.TakeLast(5)));
        Assert.That(_client.HasExited, Is.False, () => "the held connection broke: " + string.Join('\n', _client.Lines.TakeLast(5)));
    }

    /// <summary>Waits for the connection to break.</summary>
    public Task BreaksAsync(TimeSpan deadline) => _client.ExitAsync(deadline);

    public void Dispose() => _client.Dispose();

    private int Echoes => _client.Lines.Count(line => line.StartsWith("echoed", StringComparison.Ordinal));
}
