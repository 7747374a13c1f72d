using System.Text;
using NsBridge.Configuration.Reading;

namespace NsBridge.FuzzTests;

/// <summary>Any file is a configuration or has faults, each a sentence.</summary>
internal sealed class ConfigurationTests
{
    private static readonly byte[] s_file = """
        {
          "$schema": "/usr/share/nsbridge/appsettings.schema.json",
          "Logging": { "LogLevel": { "Default": "Debug" } },
          "NsBridge": {
            "RuntimeDirectory": "/run/nsbridge", "ShutdownTimeout": "00:00:05", "BusyPoll": "auto",
            "Metrics": { "Listen": "127.0.0.1:9464" },
            "Bridges": [
              { "Name": "web", "Listen": ["0.0.0.0:3003", "[fe80::1%eth0]:3004", "localhost:8000-8009"], "Namespace": "vpn",
                "Target": "127.0.0.1:3000", "AllowFrom": ["10.0.0.0/8", "fd00::/8"], "IdleTimeout": "1.00:00:00", "MaxConnections": 9 },
              { "Name": "dns", "Protocol": "udp", "Listen": 53, "Namespace": "machine:web", "Target": "localhost:53" },
              { "Name": "app", "Namespace": "unit:app@1.service", "Target": "unix:@app", "SocketMode": "0660", "SocketGroup": "www-data" }
            ]
          }
        }
        """u8.ToArray();

    [Test]
    public void Configuration_OfAnyBytes_IsRightOrHasFaults() => Fuzz.Run(Fuzz.Damaged(s_file), bytes =>
    {
        ConfigurationOutcome outcome = ConfigurationLoader.LoadText("/etc/nsbridge/appsettings.json", bytes);

        Assert.That(outcome.Settings is null, Is.EqualTo(outcome.Faults.Count > 0), Encoding.UTF8.GetString(bytes));
        Assert.That(outcome.Faults.Select(fault => fault.Message), Has.All.Contains(" "), "a sentence, not a resource key");
    });
}
