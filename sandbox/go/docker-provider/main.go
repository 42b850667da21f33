// The Docker provider: upstream's own code behind Pulumi's bridge, as the official plugin has it. Names and tokens are
// those of pulumi-docker.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Set by the linker.
var version string

func main() {
	info := tfbridge.ProviderInfo{P: shimv2.NewProvider(provider.New(version)()), Name: "docker", Version: version}
	info.MustComputeTokens(tokens.SingleModule("docker_", "index", tokens.MakeStandard("docker")))
	// An image that is pulled; pulumi-docker keeps the name Image for one that it builds.
	info.Resources["docker_image"].Tok = "docker:index/remoteImage:RemoteImage"
	// Lists, which the bridge would call by a plural of its own making.
	info.Resources["docker_container"].Fields = map[string]*tfbridge.SchemaInfo{
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	}
	info.Config = map[string]*tfbridge.SchemaInfo{"registry_auth": {Name: "registryAuth"}}
	// What is not named by the program is called after its resource, with a random end: a new one fits beside the old.
	info.SetAutonaming(255, "-")
	// Programs bring pulumi-docker's SDK: nobody asks this plugin for a schema.
	tfbridge.Main("docker", version, info, []byte("{}"))
}
