using NsBridge.Testing;

namespace NsBridge.ComponentTests;

/// <summary>Loops and sockets are measured here: no other project that measures runs at the same time.</summary>
[SetUpFixture]
internal sealed class ProjectSetUp : ExclusiveProject;
