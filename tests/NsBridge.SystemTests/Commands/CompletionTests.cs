using NsBridge.SystemTests.Machine;

namespace NsBridge.SystemTests.Commands;

/// <summary>What the tab key offers at the shell.</summary>
internal sealed class CompletionTests : ServiceFixture
{
    [TestCase("nsbridge st", "status")]
    [TestCase("nsbridge demo --o", "--once")]
    [TestCase("nsbridge status --j", "--json")]
    [TestCase("nsbridge doctor we", "web")]
    public async Task Completion_Typed_Completes(string typed, string expected)
    {
        await Service.ConfigureAsync(new NsBridge.Testing.BridgeEntry("web") { Namespace = "vpn", Target = "127.0.0.1:3000" });
        string[] words = typed.Split(' ');
        await Machine.WriteAsync("/tmp/complete", $$"""
            . /usr/share/bash-completion/bash_completion
            _comp_load nsbridge 2>/dev/null || __load_completion nsbridge
            COMP_WORDS=({{string.Join(' ', words)}}) COMP_CWORD={{words.Length - 1}}
            _nsbridge
            echo "${COMPREPLY[@]}"
            """);
        Assert.That((await Machine.CheckAsync("bash /tmp/complete")).Trim(), Is.EqualTo(expected));
    }
}
