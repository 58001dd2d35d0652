(* Theorem 1: FGM and SMOOTH are an equilibrium, for two budgets. *)
From Coq Require Import Reals Lra.
Require Import inner_product game lemma_1 lemma_2 lemma_3.
Open Scope R_scope.

Section Theorem_1.
Context {G : game}.
Implicit Types (v : defense G) (sA : expectation (attack G)) (sD : expectation (defense G)).

(* Assumed: what Lemmas 2 and 3 assume, and that phi has a maximizer. *)
Theorem theorem_1 (v_star : defense G) (sS : expectation (defense G)) : measures_robust_sets G -> best v_star -> smooth sS ->
  equilibrium (pure fgm) sS /\ payoff (pure fgm) sS = 1 - 2 * phi v_star.
Proof.
  intros measured top plays.
  destruct (lemma_3 v_star sS measured top plays) as [value no_better].
  unfold defender_payoff in value; split; [split | lra].
  - intro sA; now apply corollary_2_1.
  - exact no_better.
Qed.

(* A single maximizer will do. *)
Lemma pure_is_smooth v : best v -> smooth (pure v).
Proof. intros top g h _ _ less; now apply less. Qed.

(* Every equilibrium has this value. *)
Theorem theorem_1_value (v_star : defense G) sA sD : measures_robust_sets G -> best v_star ->
  equilibrium sA sD -> payoff sA sD = 1 - 2 * phi v_star.
Proof.
  intros measured top [no_attack no_defense].
  destruct (theorem_1 v_star (pure v_star) measured top (pure_is_smooth _ top))
    as [[no_other_attack no_other_defense] value].
  pose proof (no_attack (pure fgm)); pose proof (no_defense (pure v_star)).
  pose proof (no_other_attack sA); pose proof (no_other_defense sD).
  unfold defender_payoff in *; lra.
Qed.
End Theorem_1.
