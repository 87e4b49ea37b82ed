package main

import "github.com/spf13/cobra"

// commands are all commands, in the order of the help.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		serveCommand(a),
		workerCommand(a),
		codecCommand(a),
		deploymentCommand(a),
		runCommand(a),
		casesCommand(a),
		showCommand(a),
		watchCommand(a),
		retryCommand(a),
		skipCommand(a),
		abortCommand(a),
		rollbackCommand(a),
		approvalsCommand(a),
		approveCommand(a),
		rejectCommand(a),
		signalCommand(a),
		tokenCommand(a),
		undoCommand(a),
		sweepCommand(a),
		schedulesCommand(a),
		drillsCommand(a),
		verifyCommand(a),
		inspectCommand(a),
		newCommand(a),
		lintCommand(a),
		fmtCommand(a),
		testCommand(a),
		lockCommand(a),
		keygenCommand(a),
		signCommand(a),
		verifyPlaybookCommand(a),
		planCommand(a),
		schemaCommand(a),
		graphCommand(a),
		permissionsCommand(a),
		exportCommand(a),
		importCommand(a),
		activitiesCommand(a),
		configCommand(a),
		versionCommand(a),
	}
}
