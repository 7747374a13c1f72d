using NsBridge.Testing;

namespace NsBridge.ComponentTests.CommandLine;

/// <summary>What the tab key offers at the shell, of the script as it is installed.</summary>
internal sealed class CompletionTests
{
    private static readonly string s_script = Path.Combine(Repository.Root, "deploy", "completions", "nsbridge");

    [Test]
    public async Task Doctor_BridgesOnOneLine_AreAllOffered()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("a.json", """
            { "NsBridge": { "Bridges": [ { "Name": "web", "Listen": 80 }, { "name" : "web2", "Listen": 81 },
              { "Name": "ssh", "Listen": 22 }, { "Name": "web3", "Listen": 82 } ] } }
            """);

        Assert.That(await OfferAsync("doctor", "--config", file, "we"), Is.EqualTo(new[] { "web", "web2", "web3" }));
    }

    [TestCase("")]
    [TestCase("we")]
    public async Task Doctor_ANameThatTheShellWouldRun_IsNeitherRunNorOffered(string typed)
    {
        using var scratch = new ScratchDirectory();
        string mark = scratch["ran"];
        string file = scratch.Write("a.json", $$"""
            { "NsBridge": { "Bridges": [ { "Name": "$(touch {{mark}})" }, { "Name": "`touch {{mark}}`" }, { "Name": "we;touch {{mark}}" },
              { "Name": "web 2" }, { "Name": "we'b" }, { "Name": "*" }, { "Name": "web" } ] } }
            """);

        string[] offered = await OfferAsync("doctor", "--config", file, typed);

        Assert.That(File.Exists(mark), Is.False);
        Assert.That(offered, Is.EqualTo(typed.Length > 0 ? ["web"] : new[] { "--json", "--config", "--help", "web" }));
    }

    [TestCase("discover", "--json", "--config", "--help", "vpn")]
    [TestCase("expose", "--listen", "--udp", "--into", "--allow", "--join", "--json", "--help", "vpn")]
    [TestCase("import --namespace", "host", "vpn")]
    public async Task Namespaces_ANameThatTheShellWouldRun_IsNeitherRunNorOffered(string before, params string[] expected)
    {
        using var scratch = new ScratchDirectory();
        string mark = scratch["ran"];

        string[] offered = await OfferAsync($"lsns() {{ :; }}; ls() {{ printf '%s\\n' '$(touch {mark})' 'v pn' vpn; }}", [.. before.Split(' '), ""]);

        Assert.That(File.Exists(mark), Is.False);
        Assert.That(offered, Is.EqualTo(expected));
    }

    /// <remarks>The shell breaks words at a colon.</remarks>
    [TestCase("expose p", "pid:7", "pid:71")]
    [TestCase("expose pid :", "7", "71")]
    [TestCase("discover pid : 71", "71")]
    public async Task Processes_OfOtherNamespaces_AreOffered(string typed, params string[] expected)
    {
        const string machine = """
            lsns() { printf '%6s\n' 1 7 71; }; readlink() { [[ $1 == /proc/7* ]] && echo other || echo own; }
            """;

        Assert.That(await OfferAsync(machine.Trim(), typed.Split(' ')), Is.EqualTo(expected));
    }

    [TestCase("--", "--namespace", "--help")]
    [TestCase("--n", "--namespace")]
    public async Task Import_ADashTyped_OffersItsOptions(string typed, params string[] expected) =>
        Assert.That(await OfferAsync("import", typed), Is.EqualTo(expected));

    [Test]
    public async Task Import_APathTyped_OffersFiles()
    {
        using var scratch = new ScratchDirectory();
        string file = scratch.Write("socat.service", "");

        Assert.That(await OfferAsync("import", file[..^3]), Is.EqualTo(new[] { file }));
    }

    private static Task<string[]> OfferAsync(params string[] words) => OfferAsync(":", words);

    /// <param name="before">Commands of the shell that the tab key is pressed in.</param>
    /// <param name="words">What is typed behind the program's name.</param>
    private static async Task<string[]> OfferAsync(string before, string[] words)
    {
        string ask = $$""". "$1"; shift; {{before}}; COMP_WORDS=(nsbridge "$@"); COMP_CWORD=$#; compopt() { :; }; _nsbridge; printf '%s\n' "${COMPREPLY[@]}" """;
        string output = await Command.CheckAsync("bash", ["-c", ask, "bash", s_script, .. words]);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
