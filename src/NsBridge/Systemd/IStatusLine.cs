namespace NsBridge.Systemd;

/// <summary>What <c>systemctl status</c> shows of the daemon.</summary>
internal interface IStatusLine
{
    /// <summary>One line, such as <c>2 bridges up, 1 waiting; 5 connections</c>. Called now and then from a pool thread.</summary>
    string Describe();
}
