namespace NsBridge.Bridges;

// Where its clients come to, which sockets of systemd's may say in place of the configuration.
internal sealed partial class Bridge
{
    private IReadOnlyList<string> HandedOver => _settings.TakesSockets ? _engine.Sockets.AddressesOf(_settings.Name) : [];

    private IReadOnlyList<string> ListensOn => HandedOver is { Count: > 0 } handed ? handed : [.. _settings.Listen.Select(entry => entry.Text)];

    /// <summary>The operator has written another <c>Listen</c>, and nothing comes of it.</summary>
    private void TellListenReplaced()
    {
        if (_listenBefore is { } before && !before.Equals(_settings.Listen) && HandedOver is { Count: > 0 } handed)
            _log.ListenReplaced(_settings.Listen.ToString(), string.Join(", ", handed));
    }
}
