(* Real inner product spaces, the inequality of Cauchy and Schwarz, and R^m. *)
From Coq Require Export Rbase Rbasic_fun R_sqr R_sqrt Lra.
Global Open Scope R_scope.

Record inner_product_space := {
  vector :> Type;
  zero : vector;
  add : vector -> vector -> vector;
  scale : R -> vector -> vector;
  dot : vector -> vector -> R;
  add_comm : forall u v, add u v = add v u;
  add_assoc : forall u v w, add u (add v w) = add (add u v) w;
  add_zero : forall v, add v zero = v;
  add_opposite : forall v, add v (scale (-1) v) = zero;
  scale_one : forall v, scale 1 v = v;
  scale_scale : forall b c v, scale b (scale c v) = scale (b * c) v;
  scale_add : forall c u v, scale c (add u v) = add (scale c u) (scale c v);
  scale_plus : forall b c v, scale (b + c) v = add (scale b v) (scale c v);
  dot_comm : forall u v, dot u v = dot v u;
  dot_add : forall u v w, dot u (add v w) = dot u v + dot u w;
  dot_scale : forall u c v, dot u (scale c v) = c * dot u v;
  dot_nonneg : forall v, 0 <= dot v v;
  dot_definite : forall v, dot v v = 0 -> v = zero }.

Arguments zero {_}. Arguments add {_} _ _. Arguments scale {_} _ _.
Arguments dot {_} _ _. Arguments dot_nonneg {_} _. Arguments dot_definite {_} _ _.

Definition norm {E : inner_product_space} (v : E) : R := sqrt (dot v v).
Definition minus {E : inner_product_space} (u v : E) : E := add u (scale (-1) v).

Section Cauchy_Schwarz.
Context {E : inner_product_space}.
Implicit Types u v w : E.

Lemma dot_add_left u v w : dot (add u v) w = dot u w + dot v w.
Proof. now rewrite dot_comm, dot_add, (dot_comm _ w u), (dot_comm _ w v). Qed.

Lemma dot_scale_left c u v : dot (scale c u) v = c * dot u v.
Proof. now rewrite dot_comm, dot_scale, (dot_comm _ v u). Qed.

Lemma dot_zero u : dot u zero = 0.
Proof. rewrite <- (add_opposite E u), dot_add, dot_scale; ring. Qed.

Lemma norm_nonneg v : 0 <= norm v.
Proof. apply sqrt_pos. Qed.

Lemma norm_squared v : norm v * norm v = dot v v.
Proof. apply sqrt_sqrt, dot_nonneg. Qed.

Lemma norm_of_zero : norm (zero : E) = 0.
Proof. unfold norm; rewrite dot_zero; apply sqrt_0. Qed.

Lemma norm_scale c v : norm (scale c v) = Rabs c * norm v.
Proof.
  unfold norm; rewrite dot_scale, dot_scale_left, <- Rmult_assoc, sqrt_mult.
  - now rewrite <- (sqrt_Rsqr_abs c).
  - nra.
  - apply dot_nonneg.
Qed.

Lemma cauchy_schwarz u v : Rabs (dot u v) <= norm u * norm v.
Proof.
  assert (squares : dot u v * dot u v <= dot u u * dot v v).
  { destruct (Req_dec (dot v v) 0) as [h | h].
    - rewrite (dot_definite v h), !dot_zero; lra.
    - pose proof (dot_nonneg v).
      pose proof (dot_nonneg (add (scale (dot v v) u) (scale (- dot u v) v))) as w.
      rewrite !dot_add, !dot_add_left, !dot_scale, !dot_scale_left in w.
      rewrite (dot_comm _ v u) in w.
      apply (Rmult_le_reg_l (dot v v)); nra. }
  unfold norm; rewrite <- sqrt_mult by apply dot_nonneg.
  rewrite <- sqrt_Rsqr_abs; apply sqrt_le_1_alt; unfold Rsqr; lra.
Qed.

Lemma norm_add u v : norm (add u v) <= norm u + norm v.
Proof.
  pose proof (Rle_trans _ _ _ (Rle_abs _) (cauchy_schwarz u v)).
  pose proof (norm_nonneg u); pose proof (norm_nonneg v).
  apply Rsqr_incr_0_var; [unfold Rsqr | lra].
  rewrite norm_squared, dot_add, !dot_add_left, (dot_comm _ v u).
  rewrite <- (norm_squared u), <- (norm_squared v); lra.
Qed.
End Cauchy_Schwarz.

(* R^m is m factors R, one inside the other. *)
Definition real_line : inner_product_space.
Proof.
  refine {| vector := R; zero := 0; add := Rplus; scale := Rmult; dot := Rmult |};
    intros; try ring; [nra | now apply Rsqr_eq_0].
Defined.

Definition one_point : inner_product_space.
Proof.
  refine {| vector := unit; zero := tt; add := fun _ _ => tt; scale := fun _ _ => tt;
            dot := fun _ _ => 0 |};
    intros; try lra; repeat match goal with v : unit |- _ => destruct v end; easy.
Defined.

Definition product (E F : inner_product_space) : inner_product_space.
Proof.
  refine {| vector := (E * F)%type; zero := (zero, zero);
            add := fun u v => (add (fst u) (fst v), add (snd u) (snd v));
            scale := fun c v => (scale c (fst v), scale c (snd v));
            dot := fun u v => dot (fst u) (fst v) + dot (snd u) (snd v) |};
    intros; repeat match goal with v : (_ * _)%type |- _ => destruct v end;
    simpl in *.
  1-8: f_equal; first [apply add_comm | apply add_assoc | apply add_zero
    | apply add_opposite | apply scale_one | apply scale_scale
    | apply scale_add | apply scale_plus].
  - f_equal; apply dot_comm.
  - rewrite !dot_add; ring.
  - rewrite !dot_scale; ring.
  - apply Rplus_le_le_0_compat; apply dot_nonneg.
  - pose proof (dot_nonneg v); pose proof (dot_nonneg v0).
    f_equal; apply dot_definite; lra.
Defined.

Fixpoint real_space (m : nat) : inner_product_space :=
  match m with O => one_point | S k => product real_line (real_space k) end.
