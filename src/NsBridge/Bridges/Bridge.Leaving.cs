using NsBridge.Configuration.Options;
using NsBridge.Configuration.Settings;
using NsBridge.Configuration.Values;

namespace NsBridge.Bridges;

// A bridge that a reload has taken away or replaced, and that has connections still.
internal sealed partial class Bridge
{
    private bool _isFollowed;

    /// <summary>Obeys the bridge that has its name now; without one nobody wishes its connections to drain any more.</summary>
    /// <param name="successor">Where one runs, this one is not said to have stopped: that one would be believed to have.</param>
    public void AdoptPolicy(BridgeSettings? successor)
    {
        _isFollowed = successor is { Enabled: true };
        WhenNamespaceGoes wish = successor?.WhenNamespaceGoes ?? WhenNamespaceGoes.Close;
        if (_settings.WhenNamespaceGoes == wish)
            return;
        _settings = _settings.With(BridgeKeys.WhenNamespaceGoes, wish);
        ApplyNamespaceStates();
    }

    /// <summary>A reload has taken it away, and it is unbound.</summary>
    public void OnRemoved() => _log.Removed(Volatile.Read(ref _connections));

    /// <summary>A reload has switched it off, and it is unbound.</summary>
    public void OnSwitchedOff() => _log.SwitchedOff(Volatile.Read(ref _connections));
}
