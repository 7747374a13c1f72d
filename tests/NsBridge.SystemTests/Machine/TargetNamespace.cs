namespace NsBridge.SystemTests.Machine;

/// <summary>A network namespace inside the container, made as an operator makes one, with servers in it.</summary>
internal sealed class TargetNamespace
{
    private readonly SystemdContainer _machine;

    private TargetNamespace(SystemdContainer machine, string name)
    {
        _machine = machine;
        Name = name;
    }

    public string Name { get; }

    public static string FreshName() => $"ns{Guid.NewGuid():N}"[..12];

    /// <summary>Makes it, with its loopback interface up.</summary>
    public static async Task<TargetNamespace> AddAsync(SystemdContainer machine, string? name = null)
    {
        var added = new TargetNamespace(machine, name ?? FreshName());
        await machine.CheckAsync($"ip netns add {added.Name}; ip -n {added.Name} link set lo up");
        return added;
    }

    /// <summary>A server on 127.0.0.1 that sends everything back; ready when this returns.</summary>
    public async Task EchoAsync(int port)
    {
        await _machine.CheckAsync(
            $"systemd-run --quiet --collect --unit={Unit(port)} --property=NetworkNamespacePath=/run/netns/{Name}"
            + $" socat TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=128 EXEC:cat");
        await _machine.EventuallyAsync($"ss --net={Name} -Hltn sport = :{port} | grep -q .", TimeSpan.FromSeconds(10));
    }

    /// <summary>As <see cref="EchoAsync"/>, for thousands of clients.</summary>
    public async Task EchoManyAsync(int port)
    {
        await _machine.CheckAsync(
            $"systemd-run --quiet --collect --unit={Unit(port)} --property=NetworkNamespacePath=/run/netns/{Name}"
            + $" --property=LimitNOFILE=20000 python3 /usr/local/bin/echo-server 127.0.0.1 {port}");
        await _machine.EventuallyAsync($"ss --net={Name} -Hltn sport = :{port} | grep -q .", TimeSpan.FromSeconds(10));
    }

    /// <summary>
    /// Ends the servers and takes the name away, as `ip netns delete` does; whether the namespace goes is for others to show.
    /// </summary>
    public async Task DeleteAsync()
    {
        await _machine.CheckAsync($"systemctl stop 'echo-{Name}-*.service'; ip netns delete {Name}");
    }

    /// <summary>The number of the namespace's nsfs file: gone from every process's view once nothing holds the namespace.</summary>
    public async Task<string> InodeAsync() => (await _machine.CheckAsync($"stat --dereference --format=%i /run/netns/{Name}")).Trim();

    private string Unit(int port) => $"echo-{Name}-{port}";
}
