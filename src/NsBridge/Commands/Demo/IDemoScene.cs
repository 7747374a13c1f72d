using NsBridge.Bridges;

namespace NsBridge.Commands.Demo;

/// <summary>What the demo shows: a namespace, a web server inside, and a bridge that leads there. Disposing removes everything.</summary>
internal interface IDemoScene : IAsyncDisposable
{
    /// <summary>What there is, in lines for the user.</summary>
    string Description { get; }

    /// <summary>Tells of the bridge that clients come to.</summary>
    IBridgeReports Reports { get; }
}
