// A worker of subscriptions on the official Go SDK, as a user writes one. The environment picks which version of the
// code it runs, so that recorded histories can be checked against each.
package main

import (
	"log"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const taskQueue = "subscriptions"

func main() {
	version, err := versionFromEnvironment()
	if err != nil {
		log.Fatalln(err)
	}
	// TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and so on.
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		log.Fatalln("cannot read the client's configuration:", err)
	}
	// The default names the process and the machine, which do not belong in fixtures.
	options.Identity = "go-subscriptions"
	c, err := client.Dial(options)
	if err != nil {
		log.Fatalln("cannot connect:", err)
	}
	defer c.Close()

	w := worker.New(c, taskQueue, worker.Options{})
	code := &Subscriptions{version: version}
	w.RegisterWorkflowWithOptions(code.Subscription, workflow.RegisterOptions{Name: "Subscription"})
	w.RegisterWorkflowWithOptions(Receipt, workflow.RegisterOptions{Name: "Receipt"})
	w.RegisterWorkflowWithOptions(Receipt, workflow.RegisterOptions{Name: "Invoice"})
	w.RegisterActivityWithOptions(charge, activity.RegisterOptions{Name: chargeType})
	w.RegisterActivityWithOptions(charge, activity.RegisterOptions{Name: chargeCardType})
	w.RegisterActivityWithOptions(sendEmail, activity.RegisterOptions{Name: sendEmailType})
	w.RegisterActivityWithOptions(writeLedger, activity.RegisterOptions{Name: writeLedgerType})
	if err := w.Run(worker.InterruptCh()); err != nil {
		log.Fatalln("the worker failed:", err)
	}
}
