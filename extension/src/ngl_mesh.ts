/** Triangles on a stage, replaced as a whole whenever they change; costs nothing while there are none. */
import type * as Ngl from 'ngl';
import type { NglModule } from './ngl_buffers';

/** Triangles with the colours of their corners. */
export interface IMesh {
  position: Float32Array;
  normal: Float32Array;
  color: Float32Array;
  index: Uint32Array;
}

/** One mesh on a stage, or none. */
export class ReplacedMesh {
  /**
   * @param ngl - The library.
   * @param stage - Where it is drawn.
   * @param name - Of the shape.
   * @param look - Parameters of its representation.
   */
  constructor(
    private readonly ngl: NglModule,
    private readonly stage: Ngl.Stage,
    private readonly name: string,
    private readonly look: Readonly<Record<string, unknown>> = {}
  ) {}

  /** Draw this from now on; nothing for null. */
  draw(mesh: IMesh | null): void {
    const old = this.component;
    this.component = null;
    if (mesh) {
      const shape = new this.ngl.Shape(this.name);
      shape.addBuffer(new this.ngl.MeshBuffer(mesh as never) as never);
      this.component = this.stage.addComponentFromObject(shape) as Ngl.Component;
      this.component.addRepresentation('buffer', this.look);
    }
    // only now, which keeps the shaders of both compiled
    if (old) {
      this.stage.removeComponent(old);
    }
  }

  private component: Ngl.Component | null = null;
}
