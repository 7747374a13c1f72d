using System.Runtime.InteropServices;
using NsBridge.Bridges;
using NsBridge.Bridges.Listening;
using NsBridge.HotRestart;
using NsBridge.Testing;

namespace NsBridge.ComponentTests.Bridges;

/// <summary>A UNIX socket that goes on, and whose file cannot be given what the settings want now.</summary>
internal sealed class KeptSocketFileTests
{
    private const int OwnerOnly = 0b110_000_000;

    [Test]
    public void Create_KeptSocketWhoseGroupCannotBeGiven_IsKeptAgainAndLeavesNothingBehind()
    {
        using var scratch = new ScratchDirectory();
        scratch.OpenToEveryone();
        var kept = new InheritedListeners();
        UnixSocketFile made = UnixSocketFile.Create(scratch["web.sock"], OwnerOnly, null);
        kept.Keep(made.Carry(made.Listener));
        made.Close();

        // A user who owns nothing here; the privileges over files go with the change and come back with it.
        int own = setfsuid(65_534);
        try
        {
            Assert.That(() => UnixSocketFile.Create(scratch["web.sock"], OwnerOnly, 0, kept), Throws.TypeOf<BridgeSetupException>().With.Message.Contains("group 0"));
        }
        finally
        {
            _ = setfsuid((uint)own);
        }

        Assert.That(kept.Count, Is.EqualTo(1));
        kept.CloseRest();
        Assert.That(File.Exists(scratch["web.sock"]), Is.False);
    }

    [DllImport("libc")]
    private static extern int setfsuid(uint user);
}
