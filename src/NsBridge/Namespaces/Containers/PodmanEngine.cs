using System.Runtime.ExceptionServices;

namespace NsBridge.Namespaces.Containers;

/// <summary>Podman of one user: asked by its API socket where that is served, else read from the files it keeps, since it needs no daemon to run.</summary>
internal sealed class PodmanEngine(string socket, string storage, string runtime) : IContainerEngine
{
    private readonly EngineApi _api = new("Podman", socket);
    private readonly PodmanFiles _files = new(storage, runtime);

    public string Description => _api.IsThere ? _api.Description : _files.Description;

    public bool IsThere => _api.IsThere || _files.IsThere;

    public async Task<ContainerFacts?> InspectAsync(string name, CancellationToken cancel)
    {
        if (!_api.IsThere)
            return await _files.InspectAsync(name, cancel);
        try
        {
            return await _api.InspectAsync(name, cancel);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException && _files.IsThere)
        {
            // A socket that nobody serves any more, or that is closed to this user.
            try
            {
                return await _files.InspectAsync(name, cancel);
            }
            catch (UnauthorizedAccessException)
            {
                // Podman's files are its user's alone; its socket can be opened to others.
                ExceptionDispatchInfo.Throw(fault);
                throw;
            }
        }
    }
}
