using NsBridge.Base;
using NsBridge.Commands.Discover;
using NsBridge.Configuration.Values;

namespace NsBridge.Commands.Import;

/// <summary>Makes bridges of socats: two that meet at a UNIX socket are one bridge, and so is one that runs the other by EXEC.</summary>
/// <param name="place">The namespace of targets whose commands name none; null refuses those.</param>
/// <param name="notes">Takes what does not become part of an entry, a line each.</param>
internal sealed class SocatPairs(string? place, List<string> notes)
{
    private readonly SocatOptions _options = new(notes);

    /// <exception cref="UserErrorException">Something cannot be turned into a bridge, or it is not said where a target is.</exception>
    public List<BridgeDraft> Join(IReadOnlyList<SocatCommand> commands)
    {
        var servers = commands.Where(command => command.From.IsUnixListener).ToList();
        var unmet = servers.ToList();
        var drafts = new List<(string? Socket, BridgeDraft Draft)>();
        foreach (SocatCommand? outer in commands.Where(command => !command.From.IsUnixListener))
        {
            if (!outer.From.IsListener)
                throw EndpointText.Unknown(outer.From);
            string? socket = outer.To.IsUnixConnector ? outer.To.Parameters[0] : null;
            SocatCommand? mate = servers.Find(server => server.From.Parameters[0] == socket);
            if (mate is not null)
                unmet.Remove(mate);
            BridgeDraft draft = Draft(outer, mate);
            // Each that leads to one socket, as that of the other address family does, is of one bridge; but a limit of its own is no common one.
            int same = socket is null || SocatOptions.MaxConnections(outer.From) is not null
                ? -1
                : drafts.FindIndex(one => one.Socket == socket && one.Draft with { Listen = null } == draft with { Listen = null });
            if (same < 0)
                drafts.Add((socket, draft));
            else
                drafts[same] = (socket, draft with { Listen = [.. drafts[same].Draft.Listen!, .. draft.Listen!] });
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        return [.. drafts.Select(one => one.Draft).Concat(unmet.Select(Half)).Select(draft => draft with { Name = NameOf(draft.Name, names) })];
    }

    /// <returns>Its name is the text to make one from.</returns>
    private BridgeDraft Draft(SocatCommand outer, SocatCommand? mate)
    {
        var draft = new BridgeDraft("", [EndpointText.Listen(outer.From)], null, null, outer.From.IsUdp ? BridgeProtocol.Udp : BridgeProtocol.Tcp)
        {
            ListenNamespace = ListenPlace(outer),
            AllowFrom = SocatOptions.AllowFrom(outer.From),
            MaxConnections = SocatOptions.MaxConnections(outer.From),
            IdleTimeout = SocatOptions.Text(outer.Flags.Inactivity),
        };
        _options.TellRest(outer.From, "bind", "range", "max-children");
        _options.TellRest(outer.Flags);
        if (mate is null && outer.To.IsUnixConnector)
        {
            string path = outer.To.Parameters[0];
            if (outer.From.IsUdp)
                throw new UserErrorException($"{outer.From.Keyword} leads to {path}, and of datagrams both ends must be known: give the command that listens there too", ExitCode.Usage);
            _options.TellRest(outer.To);
            return draft with { Name = Path.GetFileNameWithoutExtension(path), Socket = path };
        }

        SocatCommand last = outer;
        TimeSpan? idle = outer.Flags.Inactivity;
        if (mate is not null)
        {
            draft = WithSocket(draft, mate);
            _options.TellRest(last.To);
            last = mate;
            idle = Shorter(idle, mate.Flags.Inactivity);
        }

        if (last.To.IsCommand)
        {
            _options.TellRest(last.To);
            last = Nested(last.To.Parameters[0], last.Place);
            _options.TellRest(last.Flags);
            idle = Shorter(idle, last.Flags.Inactivity);
        }

        draft = WithTarget(draft with { IdleTimeout = SocatOptions.Text(idle) }, last);
        if (last.To.IsUdp != outer.From.IsUdp)
            throw new UserErrorException($"{outer.From.Keyword} cannot become a bridge to {last.To.Keyword}: a bridge has one protocol, and makes no datagrams of a stream nor a stream of datagrams", ExitCode.Usage);
        return draft with { Name = draft.Namespace! };
    }

    /// <inheritdoc cref="Draft"/>
    private BridgeDraft Half(SocatCommand half)
    {
        string path = half.From.Parameters[0];
        if (half.To.IsUdp)
            throw new UserErrorException($"{half.From.Keyword}:{path} cannot become a bridge to {half.To.Keyword}: whoever connects there speaks a stream, which a bridge does not turn into datagrams; of a pair for UDP, give the command with UDP-LISTEN too", ExitCode.Usage);
        var draft = new BridgeDraft(Path.GetFileNameWithoutExtension(path), null, null, null, Socket: path) { IdleTimeout = SocatOptions.Text(half.Flags.Inactivity) };
        return WithTarget(WithSocket(draft, half), half);
    }

    private BridgeDraft WithSocket(BridgeDraft draft, SocatCommand server)
    {
        _options.TellRest(server.From, "mode", "perm", "group", "gid", "max-children");
        _options.TellRest(server.Flags);
        return draft with
        {
            SocketMode = SocatOptions.SocketMode(server.From),
            SocketGroup = SocatOptions.SocketGroup(server.From),
            MaxConnections = draft.MaxConnections ?? SocatOptions.MaxConnections(server.From),
        };
    }

    private BridgeDraft WithTarget(BridgeDraft draft, SocatCommand last)
    {
        string target = EndpointText.Target(last.To);
        _options.TellRest(last.To, "connect-timeout");
        return draft with { Namespace = TargetPlace(last), Target = target, ConnectTimeout = SocatOptions.ConnectTimeout(last.To) };
    }

    /// <summary>The command of <c>EXEC:'ip netns exec vpn socat STDIO TCP:127.0.0.1:80'</c>, or one of netcat's, which leads to its second address.</summary>
    private static SocatCommand Nested(string line, CommandPlace around)
    {
        foreach (List<string> words in ShellWords.Split(line))
        {
            if (SocatCommand.TryRead(words, around) is { } command)
                return command.From.IsStandardInput ? command : command with { From = command.To, To = command.From };
            int netcat = words.FindIndex(word => Path.GetFileName(word) is "nc" or "ncat" or "netcat");
            if (netcat < 0 || words.Count < netcat + 3)
                continue;
            string protocol = words[(netcat + 1)..^2].Exists(IsUdpOfNetcat) ? "UDP" : "TCP";
            return new SocatCommand(CommandPlace.Of(words[..netcat], around), SocatFlags.None, SocatAddress.Parse("-"), SocatAddress.Parse($"{protocol}:{words[^2]}:{words[^1]}"));
        }

        throw new UserErrorException($"what '{line}' leads to cannot be told; it runs neither socat nor nc", ExitCode.Usage);
    }

    /// <summary>Whether the word is <c>-u</c>, alone or among other letters, or ncat's <c>--udp</c>.</summary>
    private static bool IsUdpOfNetcat(string word) => word == "--udp" || (word is ['-', not '-', ..] && word.Contains('u', StringComparison.Ordinal));

    private static TimeSpan? Shorter(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other : one;

    private static CommandPlace PlaceOf(SocatCommand command, SocatAddress address) =>
        address.Options.TryGetValue("netns", out string? name) ? CommandPlace.Named(name) : command.Place;

    /// <summary>A listener whose command says nothing about the network is on the host, where its clients are; but not one that is put elsewhere.</summary>
    private static string? ListenPlace(SocatCommand outer)
    {
        CommandPlace found = PlaceOf(outer, outer.From);
        return found.Unread is null ? found.Namespace : throw new UserErrorException(
            $"the network namespace in which socat listens on {outer.From.Keyword}:{string.Join(':', outer.From.Parameters)} cannot be told from '{found.Unread}'; "
                + "write 'ip netns exec NAME socat …' or 'nsenter --net=FILE socat …', or leave it out where that is the host's own network",
            ExitCode.Usage);
    }

    /// <summary>Where a command that names no namespace runs is decided by who starts it: what is not said is not taken for the host's.</summary>
    private string TargetPlace(SocatCommand last)
    {
        CommandPlace found = PlaceOf(last, last.To);
        return found.Namespace ?? place ?? throw new UserErrorException(
            $"the network namespace in which socat connects to {last.To.Keyword}:{string.Join(':', last.To.Parameters)} "
                + (found.Unread is null ? "is not said" : $"cannot be told from '{found.Unread}'")
                + "; write the command as it is started there ('ip netns exec NAME socat …'), or give --namespace NAME, which for the host's own network is --namespace host",
            ExitCode.Usage);
    }

    private static string NameOf(string text, HashSet<string> names) => BridgeDraft.NameFrom(text[(text.LastIndexOfAny([':', '/']) + 1)..], names);
}
